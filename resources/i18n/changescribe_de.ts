<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>ChangeScribe</name>
    <message>
        <location filename="../../qgis_plugin/client/base_python.py"/>
        <source>{path} does not run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/base_python.py"/>
        <source>{path} is Python {version}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/base_python.py"/>
        <source>{path} (Python {version}) has no module {names}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/base_python.py"/>
        <source>no Python on this computer can hold the engine ({reasons})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/base_python.py"/>
        <source>none found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/base_python.py"/>
        <source>Python {oldest} to {newest} with venv</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/base_python.py"/>
        <source>install it with `sudo apt install python3-venv` (Debian, Ubuntu: or python{version}-venv), then try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/base_python.py"/>
        <source>install Python 3.12 from python.org (or your system's packages), then try again; or choose a Python that has PyTorch in the settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <source>no answer from the engine for {timeout_s:g} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <source>an event</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <source>cancel and run again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <location filename="../../qgis_plugin/gui/run.py"/>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>the run was cancelled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <source>No sign of life from the engine for {seconds:.0f} s; it may be short of memory. Waiting; you can cancel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>Downloads about {download_mb} MB and takes about {disk_gb:.1f} GB in {folder} (Python {version} from {python}). QGIS's own Python is left as it is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>{free_mb} MB free on the disk of {there}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>about {disk_mb} MB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>free some space, or choose a Python that has PyTorch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>fill it on a connected computer of the same kind: `pip download -r {name}`</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>no wheels in {wheels}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>a folder with .whl files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>another QGIS is setting up the engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>one set-up at a time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>wait until it is done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>The environment is damaged and made anew: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>The engine is set up in {folder}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>Making a virtual environment in {folder}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>Trying the engine's libraries</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/install.py"/>
        <source>{name}: {done:.0f} of {total:.0f} MB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>set up the engine in Settings &gt; Options &gt; ChangeScribe or with the algorithm 'Engine status' (INSTALL=true); or choose a Python that has it there or through the environment variable {variable}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>the chosen Python {chosen} is not there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <location filename="../../qgis_plugin/client/worker_client.py"/>
        <source>a Python interpreter with the engine's libraries</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>the captioning engine is not set up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>a Python environment with PyTorch, about 1 GB on disk</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>{python} cannot be started ({reason})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>a Python interpreter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>{python} did not answer within {seconds:g} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>{python} does not work as a Python interpreter (exit {returncode}: {said})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>Python 3.10 or later</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/locate.py"/>
        <source>{python} (Python {version}) cannot import {details}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>check the connection and the proxy in Settings &gt; Options &gt; Network, or install from an offline folder of wheels; downloaded parts are kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>the disk is full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>more free space</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>free some and try again; what is done is kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>the package server's certificate was not accepted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a trusted connection</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>give pip your organisation's certificate: pip config set global.cert FILE</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>the proxy refused the connection</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a working proxy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>correct it in Settings &gt; Options &gt; Network</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a file could not be written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a writable folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>close other QGIS windows that use the engine and try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>{program} cannot be started ({reason})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a working Python</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>remove the environment and set it up again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>the set-up was cancelled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>start it again: what is downloaded is kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>; {name} was not found elsewhere</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a package server cannot be reached{what}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a connection to pypi.org and download.pytorch.org</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>add its wheel for this Python and system to the folder; or choose a Python that has it in the settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>{name} was not found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a wheel for this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>the installer failed (exit {code}): {words}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>a complete environment</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/pip_run.py"/>
        <source>try again; or choose a Python that has PyTorch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_client.py"/>
        <source>the engine's Python {python} cannot be started ({reason})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>Starting the engine with {python}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine was stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>run again: it starts by itself</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>{program} does not answer as the engine does but says {text!r}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>this plugin's engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>The engine wrote a line that is not of the protocol: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>an engine of version {version} that speaks protocol {protocol}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>protocol {version}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>restart QGIS after updating the plugin, then set up the engine again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine did not react to a cancellation within {seconds:g} s and was stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine was not ready after {seconds:g} s{last_words}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>a ready message</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>try again once the machine is less busy; else {remedy}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine did not start ({exit}){last_words}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>a Python with the engine's libraries</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine stopped unexpectedly ({exit}){last_words}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>an engine that runs to the end</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>run again (it starts by itself); if it was short of memory, choose a smaller batch size or close other programs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>. Its last lines: {lines}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>exit {code}; probably out of memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>exit {code}; a native library crashed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>exit {code}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Where both layers overlap</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>What the map shows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Drawn on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Polygon layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>no area is drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>a rectangle or polygon</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>press 'Rectangle' or 'Polygon' and draw it on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>drawn area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Rectangle</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Polygon</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Clear</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Drag a rectangle on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Click the corners; a right click closes the polygon, Escape starts again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>Only the selected features</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>no polygon layer is chosen</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>a polygon layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>add one to the project, or choose another kind of area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>no selected polygon in {layer}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>no polygon in {layer}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>at least one polygon</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>select some features, or untick 'Only the selected features'</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/area.py"/>
        <source>fill it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bands.py"/>
        <source>Red, green and blue for the model. 'Automatic' lets the engine choose: colour interpretation, else the first three bands.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bands.py"/>
        <source>As on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bands.py"/>
        <source>Automatic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bands.py"/>
        <source>Choose…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bands.py"/>
        <source>Red</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bands.py"/>
        <source>Green</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bands.py"/>
        <source>Blue</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bands.py"/>
        <source>As on the map ({})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/bubble.py"/>
        <source>Close (Escape)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>ChangeScribe: caption a tile</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>No caption</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>The engine is starting; this takes a few seconds once a session.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>Captioning…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>the point has no place in {crs} ({error})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>a point on the rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>click on them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>the engine gave no answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/click_tool.py"/>
        <source>change {change:.0%} · caption {caption:.0%} · {model}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/compare.py"/>
        <source>{}: no layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/compare.py"/>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Before</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/compare.py"/>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>After</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/compare.py"/>
        <source>Flicker on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/compare.py"/>
        <source>Show the two dates in turn; the project's layers stay as they are</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>holds a finished run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>is there already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>{} {}. Choose another output, such as {}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Cancelling; what is done is kept…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Choose both layers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>About {} tiles at {:.2g} m a pixel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Resume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Caption changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>The output holds an interrupted run: goes on where it stopped, with the same settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Choose a layer of change captions in the layer tree first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>What to caption</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Results</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Starting the engine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Fetching {}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source> · {duration} left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>{} of {} tiles · {} changed{}{}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Done: {} of {} tiles changed. Saved in {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source> {} tiles are kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source> 'Resume' goes on from there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Cancelled.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>This tile has no place in the map's CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Swap before and after</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>   bands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>'auto' takes a GPU that really computes, else the processor; the log says which and why</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <location filename="../../qgis_plugin/gui/sampling.py"/>
        <source>the model's own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Change score from which a tile counts as changed and gets a caption; higher gives fewer tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Device</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Threshold</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Output</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>More options</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source> pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>automatic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Tiles where more than this is without data in either date are skipped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Of the before layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>What the model was trained at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Metres per pixel…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source> m</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>2–98 % of each raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>None (values are 0–255)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Resolution</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Tile overlap</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Stretch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Skip above</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form.py"/>
        <source>Tiles a batch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/model_box.py"/>
        <source>{} (not installed)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>ChangeScribe: diagnostics</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Copy diagnostics</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Not removed: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Looking; this starts the engine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Copied; your home folder's name is left out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>empty: the managed environment</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>A Python that has PyTorch and the engine's other libraries (conda, HPC, an NVIDIA GPU)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>empty: download</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Set up or repair</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Python interpreter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Folder of wheels (offline)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Managed environment</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Defaults of the panel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Set up in {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/options.py"/>
        <source>Not set up; it would lie in {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>no before layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>no after layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>a raster layer for each date</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>add both rasters to the project and choose them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>a layer that is no file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>two raster files for a click</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>save the layer as GeoTIFF, or caption an area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>{folder} cannot be made ({reason})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>a folder with write permission</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>choose another output</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>{model} is not installed: {remedy}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>The area does not touch the ground that both layers share.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>The dates differ in resolution: {before_m:.2g} m before, {after_m:.2g} m after. After is resampled.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/request.py"/>
        <source>The model was trained at {trained_m:g} m a pixel; this run has {wanted_m:.2g} m. More options › Resolution can resample.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>Score</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>What changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>Classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>Tile</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>(skipped: too little data)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>(failed)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>Search: building, road…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>Changed only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>◀ Previous</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>Next ▶</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>List active layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>Show the captions of the layer that is chosen in the layer tree</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results.py"/>
        <source>{} of {} tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>This layer's format cannot be edited; export it to a GeoPackage.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>This layer lacks the columns of a review and cannot get any; export it to a GeoPackage.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>Review of {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>Correct the caption, then Enter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>✓ Right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>✗ Wrong</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>No change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>Nothing changed here: a false alarm</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>Save edits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>List a layer that is in a file to correct it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>+ Added</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>− Removed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>~ Altered</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>This tile could not be edited; is the layer locked by another program?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/review.py"/>
        <source>Edits saved.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run.py"/>
        <source>ChangeScribe: caption changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run.py"/>
        <source>copy the diagnostics (Settings &gt; Options &gt; ChangeScribe) and report it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run.py"/>
        <source>{layer} (not saved)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run.py"/>
        <source>{layer} (running)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/sampling.py"/>
        <source>Steps of the sampler; fewer are faster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/sampling.py"/>
        <source>Captions drawn for each tile; the one most like the others is kept. Two take twice as long as one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/sampling.py"/>
        <source>Sampler</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/sampling.py"/>
        <source>Sampling steps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/sampling.py"/>
        <source>Samples a tile</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>ChangeScribe: set up the engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>Setting up the engine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>try again; if it fails again, copy the diagnostics and report it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>Set up the engine (about {} MB)…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>{}. It is downloaded once, takes about {:.1f} GB of disk and leaves QGIS's own Python as it is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>Cancelling…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/setup_bar.py"/>
        <source>Cancelled. The next set-up goes on where this one stopped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/i18n.py"/>
        <source>Needed: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/i18n.py"/>
        <source>To do: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>ChangeScribe panel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Caption the tile under a click</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Settings…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Help</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <source>the area {name} has no polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <source>at least one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <source>choose a polygon layer; with 'selected features only' select some</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <source>the area {name} has no CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <source>a layer with a CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <source>set it with Layer &gt; Set CRS of Layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <source>the area could not be written to {path} ({message})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <source>a writable temporary folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/areas.py"/>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>free some space</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>On the command line:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Change score from which a tile counts as changed (empty: the model's own)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Ground resolution: native, model, or metres per pixel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Overlap of neighbouring tiles (pixels)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Stretch of pixel values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Largest share without data (0 to 1); tiles with more are skipped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Decoding</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Tiles per batch (empty: the engine chooses)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Sampling steps (empty: the model's own; for models that draw samples)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Sampler (empty: the model's own; for models that draw samples)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>Samples per tile (empty: the model's own; for models that draw samples)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>{done} of {total} tiles, {changed} changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>, {rate:.1f} tiles/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>, about {seconds:.0f} s left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>Summarise changes by area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>Captions what changed between two rasters inside the polygons of a layer and adds it up: one row a polygon with its own attributes, the number of tiles, of changed ones, the changed share of its ground, the classes added, removed and altered (number of tiles), the captions that tell most, and a plain sentence.

A tile counts for every polygon that it overlaps; shares are weighted by the overlap. After cancelling, rows hold what was captioned until then, and say so.

The engine runs in its own process. If it is not set up, run 'Engine status' first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>Areas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>Change by area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>A row could not be written to {destination}: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>{cancelled} Rows with what was captioned until then are in {place}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>The area with id {fid} cannot be transformed to the CRS of the before raster ({error})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>a polygon on the rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>correct its coordinates or CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Caption changes of many pairs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Captions many pairs of rasters with the same settings: one GeoPackage a pair in the output folder, and a table of what happened.

The pairs come from a table (CSV or any layer) with the columns before and after and, if wished, output (a name) and aoi (a polygon file); relative paths are taken from the table's folder. Or from a folder and two name patterns, where {name} stands for what the two files of a pair share: {name}_before.tif and {name}_after.tif, or A/{name}.png and B/{name}.png. Or from a folder and one pattern with {date}, such as {place}_{date}.tif or {place}/ortho_{date}.tif, where each date of a place is compared with the next, or the first with the last; a date is a year, month or day, such as 2021, 202106 or 2021-06-30.

A pair that fails is written into the table with its reason; the others go on. With 'continue', a second run skips what is done and takes up what was interrupted.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Table of pairs (columns before, after)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>or folder of pairs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Name pattern of the before rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Name pattern of the after rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>or name pattern with dates, such as {place}_{date}.tif</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Dates to compare</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Bands of the before rasters, such as 4,3,2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Bands of the after rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Continue outputs that are there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Output folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Pairs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Pairs done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Pairs that failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>both a table and a folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>no pairs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a table or a folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>choose one of the two</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>the folder {folder}, which is not there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a folder of rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>choose another</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a table that cannot be opened</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a CSV file or a layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Cancelled before the first pair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>{done} of {pairs} pairs done, {failed} failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a before and an after raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>add the missing file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>bands {text!r}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>three band numbers counted from 1, such as 4,3,2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>correct them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Describes in plain English what changed between two rasters of one place. The area is cut into tiles; each cell of the output has a caption, whether it changed, a change score, and the classes that were added, removed and altered.

The rasters may differ in CRS, resolution and extent: the AFTER raster is warped to the grid of the BEFORE raster. Tiles with too little data in either are skipped and marked so.

Bands: choose three (red, green, blue) or one; without a choice, those that the layer shows in the project are taken.

Heat map (optional): a raster on the pixels of the BEFORE raster that says where in the changed tiles buildings changed, in percent.

Area: an extent, or the polygons of a layer (selected features only, if wished); without either, all ground that the rasters share.

The engine runs in its own process. Cancelling keeps what is captioned until then. If the engine is not set up, run 'Engine status' first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Extent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Area (polygons)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Change captions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Heat map (GeoTIFF)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>{path} as heat map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>a name that ends in .tif</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>correct the name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>an extent and an area layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>one of the two</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>clear EXTENT or AOI</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>A tile could not be written to {destination}: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>{error} What was captioned until then is in {place}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>{path} cannot be overwritten ({error})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>a file that can</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>close it, or choose another name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>an area layer that cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>choose another AOI</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Engine status</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Says which Python runs the captioning engine, whether it works, on which device, and what to do if it does not. Attach its report when you ask for help.

With 'Set up the engine' it first makes the engine's own Python environment in your user folder: about {download_mb} MB to download and {disk_gb:.1f} GB on disk; QGIS's Python is left as it is. Cancelling is safe; the next set-up goes on where it stopped. Without a connection, name a folder of wheels.

For an NVIDIA GPU or a Python that you keep yourself (conda, HPC), choose that Python in Settings &gt; Options &gt; ChangeScribe or through the environment variable {variable}; then nothing needs to be set up here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Set up the engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Folder of wheels (offline set-up)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Status</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>{name} gave no picture (error {failed})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>a layer that can be drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>check that it shows on the map here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>{name} gave an empty picture of this area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>check the connection and that it shows on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>a layer with data here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>{layer} has no picture for {percent:.1f} % of the area: no data there, or tiles that the server did not give</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>{layer} is no file: {width} × {height} pixels of it are written to a GeoTIFF{note}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>{layer} does not reach the area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>a layer that covers it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>choose another extent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>{layer} would give {width} × {height} pixels for this area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>at most {max_pixels} million</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>choose a smaller EXTENT, or save the layer as GeoTIFF first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>, enlarged {factor:.1f} times: its finest tiles are of zoom {zoom}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/exports.py"/>
        <source>, tiles of about zoom {zoom}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/grid_layer.py"/>
        <source>A Shapefile cuts field names to 10 characters and texts to 254; choose GeoPackage to keep names, captions, style and provenance whole.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>row {number} names no raster for {columns}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>a table without rows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>one row a pair</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>choose another table</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>a table without the column {columns}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>columns before and after (output and aoi if wished)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>rename them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>set the parameter and remove the column, or use the command `changescribe batch`</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>a table with the column {column}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>the same settings for all pairs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>the pattern {pattern!r}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>{name} once, for what the two files of a pair share</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>write it as {name}_before.tif</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>the same pattern {before_pattern!r} for both dates</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>two patterns</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>correct one, or give a pattern with {date}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>correct the patterns; a subfolder is written before a slash: A/{name}.png</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>no file in {folder} fits {before_pattern} or {after_pattern}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>pairs of rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>{path} has no partner ({pattern})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>{date} once, and a name for each other part that varies</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>write it as {place}_{date}.tif</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>two files of {place} of {date}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>the series</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>one a date</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>rename {other} or {path}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>correct the pattern; a date is 2021, 202106, 20210630, 2021-06 or 2021-06-30, a subfolder is written before a slash</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>no file in {folder} fits {pattern}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>rasters of several dates</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>{path} is the only date of {place}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>{place} has the dates {dates}, not all of one form</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>two pairs of the name {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>a name of its own for every pair</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/jobs.py"/>
        <source>give the table a column output, or rename the files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>a layer that ChangeScribe wrote</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>the layer {layer} has no column {columns}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>choose one; a Shapefile cuts names, so keep a GeoPackage</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>the layer {layer} has edits that are not saved</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>what is on the map to be in the layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>save the layer's edits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>a copy of {layer} cannot be written ({reason})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/layer_file.py"/>
        <source>room in the folder for temporary files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Bands of the before raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Bands of the after raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Tiles with a caption</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Changed tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Tiles without enough data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Failed tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Fetching {name}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/provider.py"/>
        <source>ChangeScribe: captions of change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>the same raster for BEFORE and AFTER ({before})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>two rasters of one place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>choose the later one as AFTER</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>set it with Layer &gt; Set CRS of Layer, or in the file with gdal_edit.py -a_srs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>the {role} raster {layer} has no CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>a georeferenced raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>{places} share no ground</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>check the CRS of both layers and that they show the same place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>an area ({rectangle}, {crs}) off {layer} {where}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>an area on the ground that both rasters share</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>check the area's coordinates and CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>bands {bands} of {layer}, which has {count}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>three bands (red, green, blue) or one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>choose three, or none for those the layer shows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>{layer}: the layer's open options ({options}) are not passed on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>write it into the file with gdal_edit.py -a_srs, or save the layer with that CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>{layer} has a custom CRS that was set in QGIS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>one with a code such as EPSG:32633</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>nothing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>{layer}: taken as {crs}, as set in QGIS; the file says {own}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>two online layers without an extent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>a limited area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/rasters.py"/>
        <source>set EXTENT or AOI</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>The pictures are read from the rasters that the layer was made from. If they were moved, or were no files, choose them here; rasters in files only.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Before (if it was moved)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>After (if it was moved)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Report on changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Writes one HTML page on a layer of change captions, to be read, printed or sent: tiles and areas (on the ellipsoid), areas by class, a summary in words, a map, and the top changes with both dates' pictures. The page holds its pictures itself and needs no network.

Corrected captions take precedence; tiles that are marked as wrong and not corrected are left out. Save the layer's edits first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Changes with pictures</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Heading (empty: made of the layer's name)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Summary</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Ground under changed tiles (m²)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Export reviewed tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Writes the tiles that somebody marked as right or wrong, or whose caption was corrected, as a data set in the layout of LEVIR-CC: pictures of both dates and a JSON file with captions and classes, a quarter of them held out. A tile that is marked as wrong and not corrected is left out.

With the source code of ChangeScribe the model can be tuned on it: changescribe train --from-reviewed FOLDER --out FOLDER. Save the layer's edits first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Folder for the data set</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Tiles to learn from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Tiles held out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>{train} tiles to learn from, {held_out} held out; {changed} changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>{layer} is no raster file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>a raster in a file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>export it with Layer &gt; Save As, and choose the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/sources.py"/>
        <source>an area that has no place in {crs} ({error})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/sources.py"/>
        <source>an area on the rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/sources.py"/>
        <source>correct it</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
