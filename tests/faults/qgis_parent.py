"""QGIS with a run at work, to be killed: ``QGIS_PYTHON qgis_parent.py REQUEST.json`` prints the worker's process id once the run is
asked for, then what the plugin hears."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build"))

from changescribe.qgis_plugin.client.worker_client import EngineClient
from qgis.core import QgsApplication

application = QgsApplication([], False)
application.initQgis()
client = EngineClient.instance()
worker = client.start()["pid"]
call = client.submit(json.loads(Path(sys.argv[1]).read_text()))
print(worker, flush=True)
call.wait(on_event=lambda event: print(json.dumps(event), flush=True))
application.exitQgis()
