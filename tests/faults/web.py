"""A web server on the loopback device that serves files well or badly, as the file ``mode`` beside each says at every request.

``python web.py FOLDER`` prints its port. Modes: ok; stall (half of the answer, then silence); cut (half of it, then the end);
error (500); gone (404).
"""

import http.server
import sys
import threading
import time
from functools import partial
from pathlib import Path

STALL_S = 60.0


class Handler(http.server.SimpleHTTPRequestHandler):
    """GET and HEAD with byte ranges."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments, folder):
        self.folder = Path(folder)
        super().__init__(*arguments, directory=str(folder))

    def log_message(self, *_):
        """Silent."""

    def _mode(self):
        return (self.folder / self.path.lstrip("/")).with_name("mode").read_text().strip()

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, body):
        path, mode = self.folder / self.path.lstrip("/"), self._mode()
        if mode == "error":
            return self.send_error(500)
        if mode == "gone" or not path.is_file():
            return self.send_error(404)
        data, status = path.read_bytes(), 200
        wanted = self.headers.get("Range", "")
        size = len(data)
        if wanted.startswith("bytes="):
            first, _, last = wanted[6:].partition("-")
            start, end = int(first), min(int(last or size - 1), size - 1)
            data, status = data[start : end + 1], 206
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self._send(data, mode)
        return None

    def _send(self, data, mode):
        self.wfile.write(data if mode == "ok" else data[: len(data) // 2])
        self.wfile.flush()
        if mode == "stall":
            end = time.monotonic() + STALL_S
            while self._mode() == "stall" and time.monotonic() < end:
                time.sleep(0.05)
        if mode != "ok":
            self.close_connection = True


def main():
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, folder=sys.argv[1]))
    serving.daemon_threads = True
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    print(serving.server_port, flush=True)
    sys.stdin.read()  # ends when the parent does


if __name__ == "__main__":
    main()
