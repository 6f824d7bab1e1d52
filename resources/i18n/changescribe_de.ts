<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>ChangeScribe</name>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <source>no answer from the engine for {timeout_s:g} s</source>
        <translation>seit {timeout_s:g} s keine Antwort der Engine</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <source>an event</source>
        <translation>eine Meldung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <source>cancel and run again</source>
        <translation>abbrechen und erneut starten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <location filename="../../qgis_plugin/gui/run/caption_run.py"/>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>the run was cancelled</source>
        <translation>der Lauf wurde abgebrochen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/call.py"/>
        <source>The engine has not answered for {seconds:.0f} s; it may be short of memory. Waiting; you can cancel.</source>
        <translation>Seit {seconds:.0f} s kein Lebenszeichen der Engine; vielleicht ist der Arbeitsspeicher knapp. Es wird gewartet; Abbrechen ist möglich.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_client.py"/>
        <source>the engine's Python {python} cannot be started ({reason})</source>
        <translation>das Python der Engine {python} lässt sich nicht starten ({reason})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_client.py"/>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>a Python interpreter with the engine's libraries</source>
        <translation>ein Python-Interpreter mit den Bibliotheken der Engine</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>Starting the engine with {python}</source>
        <translation>Die Engine wird mit {python} gestartet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine was stopped</source>
        <translation>die Engine wurde angehalten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>run again: it starts by itself</source>
        <translation>erneut ausführen: sie startet von selbst</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>{program} does not answer like the engine; it printed {text!r}</source>
        <translation>{program} antwortet nicht wie die Engine, sondern sagt {text!r}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>this plugin's engine</source>
        <translation>die Engine dieser Erweiterung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>The engine wrote a line that does not follow the protocol: {error}</source>
        <translation>Die Engine hat eine Zeile geschrieben, die nicht zum Protokoll gehört: {error}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>an engine of version {version} that speaks protocol {protocol}</source>
        <translation>eine Engine der Version {version}, die das Protokoll {protocol} spricht</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>protocol {version}</source>
        <translation>Protokoll {version}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>restart QGIS after updating the plugin, then set up the engine again</source>
        <translation>QGIS nach der Aktualisierung der Erweiterung neu starten, dann die Engine erneut einrichten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine did not react to a cancellation within {seconds:g} s and was stopped</source>
        <translation>die Engine hat nicht innerhalb von {seconds:g} s auf den Abbruch reagiert und wurde beendet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine was not ready after {seconds:g} s{last_words}</source>
        <translation>die Engine war nach {seconds:g} s nicht bereit{last_words}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>a ready message</source>
        <translation>eine Bereitmeldung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>try again once the machine is less busy; else {remedy}</source>
        <translation>erneut versuchen, sobald der Rechner weniger ausgelastet ist; sonst {remedy}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine did not start ({exit}){last_words}</source>
        <translation>die Engine ist nicht gestartet ({exit}){last_words}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>a Python with the engine's libraries</source>
        <translation>ein Python mit den Bibliotheken der Engine</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>the engine stopped unexpectedly ({exit}){last_words}</source>
        <translation>die Engine ist unerwartet stehen geblieben ({exit}){last_words}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>an engine that runs to the end</source>
        <translation>eine Engine, die bis zum Ende läuft</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>run again (it starts by itself); if it was short of memory, choose a smaller batch size or close other programs</source>
        <translation>erneut ausführen (sie startet von selbst); war der Arbeitsspeicher knapp, weniger Kacheln je Durchgang wählen oder andere Programme schließen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>. Its last lines: {lines}</source>
        <translation>. Ihre letzten Zeilen: {lines}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>exit {code}; probably out of memory</source>
        <translation>Rückgabewert {code}; vermutlich zu wenig Arbeitsspeicher</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>exit {code}; a native library crashed</source>
        <translation>Rückgabewert {code}; eine Systembibliothek ist abgestürzt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/client/worker_process.py"/>
        <source>exit {code}</source>
        <translation>Rückgabewert {code}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>holds a finished run</source>
        <translation>enthält einen abgeschlossenen Lauf</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>already exists</source>
        <translation>ist bereits vorhanden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>{} {}. Choose another output, such as {}.</source>
        <translation>{} {}. Eine andere Ausgabe wählen, etwa {}.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Cancelling; finished tiles are kept…</source>
        <translation>Wird abgebrochen; Erledigtes bleibt erhalten…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <source>Choose both layers.</source>
        <translation>Beide Layer wählen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Resume</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Caption changes</source>
        <translation>Änderungen beschreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Set up the engine, then caption</source>
        <translation>Engine einrichten, dann beschreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>The output holds an interrupted run: continue where it stopped, with the same settings</source>
        <translation>Die Ausgabe enthält einen unterbrochenen Lauf: er geht mit denselben Einstellungen dort weiter, wo er aufgehört hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Choose a layer of change captions in the layer tree first.</source>
        <translation>Zuerst im Layerbedienfeld einen Layer mit Änderungsbeschreibungen wählen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>What to caption</source>
        <translation>Was beschrieben wird</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Results</source>
        <translation>Ergebnisse</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Accuracy</source>
        <translation>Genauigkeit</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Align the dates</source>
        <translation>Bilder ausrichten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Sets 'Align the dates' under 'More options' to one offset; a run in progress is cancelled</source>
        <translation>Stellt 'Bilder aneinander ausrichten' unter 'Weitere Optionen' auf einen Versatz; ein laufender Durchgang wird abgebrochen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Starting the engine…</source>
        <translation>Die Engine startet…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Fetching {}…</source>
        <translation>{} wird abgerufen…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source> · {duration} left</source>
        <translation> · noch {duration}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>{} of {} tiles · {} changed{}{}</source>
        <translation>{} von {} Kacheln · {} geändert{}{}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Reading the result…</source>
        <translation>Das Ergebnis wird gelesen…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Done: {} of {} tiles changed. Saved in {}</source>
        <translation>Fertig: {} von {} Kacheln geändert. Gespeichert in {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source> {} tiles were kept.</source>
        <translation> {} Kacheln sind gesichert.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source> 'Resume' continues from there.</source>
        <translation> „Fortsetzen“ macht dort weiter.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/dock.py"/>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>This tile cannot be shown in the map's CRS.</source>
        <translation>Diese Kachel hat im KBS der Karte keine Lage.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Where both layers overlap</source>
        <translation>Wo beide Layer sich überlappen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>What the map shows</source>
        <translation>Was die Karte zeigt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Drawn on the map</source>
        <translation>Auf der Karte gezeichnet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Polygon layer</source>
        <translation>Polygonlayer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>map</source>
        <translation>Karte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>no area is drawn</source>
        <translation>es ist kein Bereich gezeichnet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>a rectangle or polygon</source>
        <translation>ein Rechteck oder Polygon</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>press 'Rectangle' or 'Polygon' and draw it on the map</source>
        <translation>„Rechteck“ oder „Polygon“ drücken und auf der Karte zeichnen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>drawn area</source>
        <translation>gezeichneter Bereich</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Rectangle</source>
        <translation>Rechteck</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Polygon</source>
        <translation>Polygon</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Clear</source>
        <translation>Leeren</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Drag a rectangle on the map</source>
        <translation>Ein Rechteck auf der Karte aufziehen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Click the corners; a right click closes the polygon, Escape starts again</source>
        <translation>Die Ecken anklicken; ein Rechtsklick schließt das Polygon, Escape beginnt von vorn</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>Only the selected features</source>
        <translation>Nur gewählte Objekte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>no polygon layer is chosen</source>
        <translation>es ist kein Polygonlayer gewählt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>a polygon layer</source>
        <translation>ein Polygonlayer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>add one to the project, or choose another kind of area</source>
        <translation>dem Projekt einen hinzufügen oder eine andere Art von Bereich wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>no selected polygon in {layer}</source>
        <translation>kein gewähltes Polygon in {layer}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>no polygon in {layer}</source>
        <translation>kein Polygon in {layer}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>at least one polygon</source>
        <translation>mindestens ein Polygon</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>select some features, or untick 'Only the selected features'</source>
        <translation>Objekte auswählen oder den Haken bei „Nur gewählte Objekte“ entfernen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/area.py"/>
        <source>fill it</source>
        <translation>ihn füllen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/bands.py"/>
        <source>Red, green and blue for the model. 'Automatic' lets the engine choose: colour interpretation, else the first three bands.</source>
        <translation>Rot, Grün und Blau für das Modell. „Automatisch“ überlässt die Wahl der Engine: die Farbzuordnung der Kanäle, sonst die ersten drei Kanäle.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/bands.py"/>
        <source>As on the map</source>
        <translation>Wie auf der Karte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/bands.py"/>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/bands.py"/>
        <source>Choose…</source>
        <translation>Wählen…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/bands.py"/>
        <source>Red</source>
        <translation>Rot</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/bands.py"/>
        <source>Green</source>
        <translation>Grün</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/bands.py"/>
        <source>Blue</source>
        <translation>Blau</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/bands.py"/>
        <source>As on the map ({})</source>
        <translation>Wie auf der Karte ({})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>From {} to {}.</source>
        <translation>Von {} bis {}.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>At most {} tiles at {:.2g} m per pixel</source>
        <translation>Höchstens {} Kacheln mit {:.2g} m je Pixel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>About {} tiles at {:.2g} m per pixel</source>
        <translation>Etwa {} Kacheln mit {:.2g} m je Pixel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>; the model was trained at {:g} m</source>
        <translation>; das Modell ist mit {:g} m trainiert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>The time is known after the first run on this computer.</source>
        <translation>Wie lange das dauert, ist nach dem ersten Lauf hier bekannt.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>At most {}, at {:.2g} tiles per second as in the last run.</source>
        <translation>Höchstens {}, bei {:.2g} Kacheln je Sekunde wie im letzten Lauf hier.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>About {}, at {:.2g} tiles per second as in the last run.</source>
        <translation>Etwa {}, bei {:.2g} Kacheln je Sekunde wie im letzten Lauf hier.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>Before ({}) is later than after ({}): ⇅ swaps them.</source>
        <translation>Vorher ({}) liegt nach Nachher ({}): ⇅ vertauscht sie.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>{model} is not installed: {remedy}.</source>
        <translation>{model} ist nicht installiert: {remedy}.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>The area does not touch the ground that both layers share.</source>
        <translation>Der Bereich berührt die Fläche nicht, die beide Layer gemeinsam haben.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>The dates differ in resolution: {before_m:.2g} m before, {after_m:.2g} m after. After is resampled.</source>
        <translation>Die Zeitpunkte haben verschiedene Auflösungen: vorher {before_m:.2g} m, nachher {after_m:.2g} m. Nachher wird umgerechnet.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>The model was trained at {trained_m:g} m per pixel; this run has {wanted_m:.2g} m.</source>
        <translation>Das Modell ist mit {trained_m:g} m je Pixel trainiert; dieser Lauf hat {wanted_m:.2g} m.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>At {:.2g} m per pixel the before layer lacks the detail that the model needs: expect poor captions.</source>
        <translation>Den {:.2g} m großen Pixeln des Vorher-Layers fehlen die Einzelheiten, die das Modell kennt: schwache Beschreibungen sind zu erwarten.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>The common area has {width} × {height} pixels, less than a tile of {tile}: the rest of its tiles is empty.</source>
        <translation>Das gemeinsame Gebiet hat {width} × {height} Pixel, weniger als eine Kachel von {tile}: Der Rest seiner Kacheln ist leer.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>So many tiles need about {} of disk space. For areas this large, use the command line with --part-tiles and --resume.</source>
        <translation>So viele Kacheln brauchen etwa {} auf der Platte; für sie ist die Kommandozeile gemacht, mit --part-tiles und --resume.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>{:.0f} s</source>
        <translation>{:.0f} s</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>{} min</source>
        <translation>{} min</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/estimate.py"/>
        <source>{} h {} min</source>
        <translation>{} h {} min</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/model_box.py"/>
        <source>{} (not installed)</source>
        <translation>{} (nicht installiert)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/option_rows.py"/>
        <source> pixels</source>
        <translation> Pixel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/option_rows.py"/>
        <source>Of the before layer</source>
        <translation>Die des Vorher-Layers</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/option_rows.py"/>
        <source>What the model was trained at</source>
        <translation>Die, mit der das Modell trainiert ist</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/option_rows.py"/>
        <source>Metres per pixel…</source>
        <translation>Meter je Pixel…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/option_rows.py"/>
        <source> m</source>
        <translation> m</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <source>What the model will see</source>
        <translation>Was das Modell sieht</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <location filename="../../qgis_plugin/gui/results/compare.py"/>
        <location filename="../../qgis_plugin/gui/results/swipe.py"/>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Before</source>
        <translation>Vorher</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <location filename="../../qgis_plugin/gui/results/compare.py"/>
        <location filename="../../qgis_plugin/gui/results/swipe.py"/>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>After</source>
        <translation>Nachher</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <location filename="../../qgis_plugin/gui/map/click_tool.py"/>
        <source>A run is in progress. This starts when it finishes.</source>
        <translation>Ein Lauf ist im Gange; die Antwort kommt danach.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <source>The engine reads the layers…</source>
        <translation>Die Engine liest die Layer…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <source>ChangeScribe: preview</source>
        <translation>ChangeScribe: Vorschau</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <source>Tile {} in the middle of the area, {:.2g} m per pixel.</source>
        <translation>Kachel {} in der Mitte des Bereichs, {:.2g} m je Pixel.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <source>bands {}</source>
        <translation>Kanäle {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <source>{}; values as they are</source>
        <translation>{}; Werte, wie sie sind</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/preview.py"/>
        <source>{}; black to white: {}</source>
        <translation>{}; Schwarz bis Weiß: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <source>Area</source>
        <translation>Bereich</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <source>Sets the resolution under 'More options'</source>
        <translation>Setzt die Auflösung unter „Weitere Optionen“</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <source>Keep the layer's {:.2g} m per pixel</source>
        <translation>Bei den {:.2g} m je Pixel des Layers bleiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <source>Resample to the model's {:g} m per pixel</source>
        <translation>Auf die {:g} m je Pixel des Modells umrechnen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <source>Swap before and after</source>
        <translation>Vorher und Nachher vertauschen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <source>   bands</source>
        <translation>   Kanäle</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <source>Output</source>
        <translation>Ausgabe</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/form/request_form.py"/>
        <source>More options</source>
        <translation>Weitere Optionen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/keys.py"/>
        <source>Unchanged</source>
        <translation>Unverändert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/keys.py"/>
        <source>Changed</source>
        <translation>Verändert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/keys.py"/>
        <source>Other change</source>
        <translation>Anderes</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/keys.py"/>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>Unsure</source>
        <translation>Unsicher</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/keys.py"/>
        <source>added</source>
        <translation>hinzugekommen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/keys.py"/>
        <source>removed</source>
        <translation>entfernt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/keys.py"/>
        <source>altered</source>
        <translation>umgestaltet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>Left, Right: previous, next · Del: take back · Backspace: undo · M: the model's answer · F: flicker · S: swipe</source>
        <translation>Links, Rechts: vorige, nächste · Entf: zurücknehmen · Rücktaste: rückgängig · M: Antwort des Modells · F: blinken · S: wischen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>Type your name first: each judgement keeps who made it.</source>
        <translation>Geben Sie zuerst Ihren Namen ein: Jedes Urteil hält fest, von wem es ist.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>Judge the tile first: what the model said is hidden until then.</source>
        <translation>Beurteilen Sie die Kachel zuerst: Bis dahin bleibt verborgen, was das Modell gesagt hat.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>The map says: {}. The model: {}</source>
        <translation>Die Karte sagt: {}. Das Modell: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>All tiles are judged. 'Accuracy and areas…' makes the estimates.</source>
        <translation>Alle Kacheln sind beurteilt. „Genauigkeit und Flächen…“ berechnet die Schätzungen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>This tile has lost its outline. Judge it as unsure.</source>
        <translation>Diese Kachel hat ihren Umriss verloren. Beurteilen Sie sie als unsicher.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>Choose a sample, or draw one from a layer of captions.</source>
        <translation>Wählen Sie eine Stichprobe, oder ziehen Sie eine aus einem Layer mit Beschreibungen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>{} of {} tiles judged</source>
        <translation>{} von {} Kacheln beurteilt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>not judged yet</source>
        <translation>noch nicht beurteilt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>you judged: {}</source>
        <translation>Ihr Urteil: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>Tile {} of {}: {}</source>
        <translation>Kachel {} von {}: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>its layer {} is no longer there</source>
        <translation>sein Layer {} ist nicht mehr da</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>the tile is no longer in its layer</source>
        <translation>die Kachel ist nicht mehr in ihrem Layer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source> (score {:.2f})</source>
        <translation> (Wert {:.2f})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>{} is also the first interpreter: a second one must be somebody else.</source>
        <translation>{} ist auch die erste Person: Die zweite muss jemand anders sein.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>no sample is open</source>
        <translation>keine Stichprobe ist geöffnet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>a judged sample</source>
        <translation>eine beurteilte Stichprobe</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>choose one above</source>
        <translation>wählen Sie oben eine</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>Previous tile</source>
        <translation>Vorige Kachel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>Next tile</source>
        <translation>Nächste Kachel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>Model's answer</source>
        <translation>Antwort des Modells</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/page.py"/>
        <source>Accuracy and areas…</source>
        <translation>Genauigkeit und Flächen…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>{} is no sample</source>
        <translation>{} ist keine Stichprobe</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>a file that 'Draw a sample to judge' has written</source>
        <translation>eine Datei, die „Stichprobe zum Beurteilen ziehen“ geschrieben hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>choose one, or draw one</source>
        <translation>wählen oder ziehen Sie eine</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>the sample {} cannot be written</source>
        <translation>die Stichprobe {} kann nicht geschrieben werden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <location filename="../../qgis_plugin/processing/print_report.py"/>
        <source>a file that you may change</source>
        <translation>eine Datei, die Sie ändern dürfen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>copy it to a folder of yours</source>
        <translation>kopieren Sie sie in einen eigenen Ordner</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>{} tiles are missing from the sample {}</source>
        <translation>{} Kacheln fehlen in der Stichprobe {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>{} tiles were added to the sample {}</source>
        <translation>{} Kacheln sind zur Stichprobe {} hinzugekommen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>the tiles that were drawn</source>
        <translation>die gezogenen Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>restore the file; judge a tile as unsure to leave it out</source>
        <translation>stellen Sie die Datei wieder her; um eine Kachel auszulassen, beurteilen Sie sie als unsicher</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>locked by another program</source>
        <translation>von einem anderen Programm gesperrt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>the judgement could not be written to {} ({})</source>
        <translation>das Urteil konnte nicht in {} geschrieben werden ({})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/sample_file.py"/>
        <source>close other programs that use it, then judge this tile again</source>
        <translation>schließen Sie andere Programme, die sie benutzen, und beurteilen Sie diese Kachel noch einmal</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <source>Samples (*.gpkg)</source>
        <translation>Stichproben (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <source>Draw a sample…</source>
        <translation>Stichprobe ziehen…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <source>Your name</source>
        <translation>Ihr Name</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <source>First interpreter</source>
        <translation>Erste Person</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <source>Second interpreter</source>
        <translation>Zweite Person</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <source>A second interpreter judges the same tiles and does not see the first one's judgements</source>
        <translation>Eine zweite Person beurteilt dieselben Kacheln und sieht die Urteile der ersten nicht</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Sample</source>
        <translation>Stichprobe</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <source>Dates</source>
        <translation>Zeitpunkte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/judging/source.py"/>
        <source>Judge</source>
        <translation>Urteil von</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/click_tool.py"/>
        <source>No caption</source>
        <translation>Keine Beschreibung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/click_tool.py"/>
        <source>The engine is starting; this takes a few seconds, once per session.</source>
        <translation>Die Engine startet; das dauert einmal je Sitzung einige Sekunden.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/click_tool.py"/>
        <source>Fetching {} there.</source>
        <translation>{} wird dort abgerufen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/click_tool.py"/>
        <source>Captioning…</source>
        <translation>Wird beschrieben…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/click_tool.py"/>
        <source>ChangeScribe: caption a tile</source>
        <translation>ChangeScribe: eine Kachel beschreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/click_tool.py"/>
        <source>the engine gave no answer</source>
        <translation>die Engine hat nicht geantwortet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/click_tool.py"/>
        <source>change {change:.0%} · caption {caption:.0%} · {model}</source>
        <translation>Änderung {change:.0%} · Beschreibung {caption:.0%} · {model}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>By class</source>
        <translation>Nach Klasse</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>By score</source>
        <translation>Nach Wert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>Colours of the tiles on the map</source>
        <translation>Farben der Kacheln auf der Karte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>Labels</source>
        <translation>Texte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>Only listed</source>
        <translation>Nur Liste</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>Write the captions into the tiles</source>
        <translation>Die Beschreibungen in die Kacheln schreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>Show only the tiles of the list on the map: sets the layer's filter</source>
        <translation>Nur die Kacheln der Liste auf der Karte zeigen: setzt den Filter des Layers</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Map</source>
        <translation>Karte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>The filter of a layer cannot change while it is edited: save the edits first.</source>
        <translation>Der Filter eines Layers lässt sich nicht ändern, während er bearbeitet wird: zuerst die Änderungen speichern.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/map/map_look.py"/>
        <source>This layer's format does not support this filter; export it to a GeoPackage.</source>
        <translation>Das Format dieses Layers lässt sich so nicht filtern; in ein GeoPackage exportieren.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/bubble.py"/>
        <source>Close (Escape)</source>
        <translation>Schließen (Escape)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/compare.py"/>
        <source>{}: no layer</source>
        <translation>{}: kein Layer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/compare.py"/>
        <source>Flicker on the map</source>
        <translation>Auf der Karte blinken</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/compare.py"/>
        <source>Show the two dates in turn; the project's layers stay unchanged</source>
        <translation>Zeigt beide Zeitpunkte im Wechsel; die Layer des Projekts bleiben, wie sie sind</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/compare.py"/>
        <source>Swipe on the map</source>
        <translation>Auf der Karte wischen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/compare.py"/>
        <source>Before on the left, after on the right of a line that you drag; Escape ends it</source>
        <translation>Vorher links, Nachher rechts einer Linie, die sich ziehen lässt; Escape beendet es</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>Search: building, road…</source>
        <translation>Suchen: building, road…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>Changed only</source>
        <translation>Nur geänderte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>All classes</source>
        <translation>Alle Klassen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>Tiles where this class was added, removed or altered</source>
        <translation>Kacheln, in denen diese Klasse neu, entfernt oder verändert ist</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>score ≥ </source>
        <translation>Wert ≥ </translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>Any score</source>
        <translation>Jeder Wert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>Tiles with at least this change score</source>
        <translation>Kacheln mit mindestens diesem Änderungswert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>List active layer</source>
        <translation>Layer auflisten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>Show the captions of the layer that is chosen in the layer tree</source>
        <translation>Die Beschreibungen des Layers zeigen, der im Layerbedienfeld gewählt ist</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/results_list.py"/>
        <source>{} of {} tiles</source>
        <translation>{} von {} Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>This layer's format cannot be edited; export it to a GeoPackage.</source>
        <translation>Das Format dieses Layers lässt sich nicht bearbeiten; in ein GeoPackage exportieren.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>This layer has no review columns, and none can be added; export it to a GeoPackage.</source>
        <translation>Diesem Layer fehlen die Spalten einer Prüfung, und er kann keine bekommen; in ein GeoPackage exportieren.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>Review of {}</source>
        <translation>Prüfung von {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>Correct the caption, then Enter</source>
        <translation>Beschreibung berichtigen, dann Eingabetaste</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>✓ Right</source>
        <translation>✓ Richtig</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>✗ Wrong</source>
        <translation>✗ Falsch</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>No change</source>
        <translation>Gleich</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>Nothing changed here: a false alarm</source>
        <translation>Hier hat sich nichts geändert: ein Fehlalarm</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>Save edits</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>To correct captions, list a layer that is stored in a file.</source>
        <translation>Zum Berichtigen einen Layer auflisten, der in einer Datei liegt.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>+ Added</source>
        <translation>+ Neu</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>− Removed</source>
        <translation>− Entfernt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>~ Altered</source>
        <translation>~ Verändert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>This tile could not be edited; is the layer locked by another program?</source>
        <translation>Diese Kachel ließ sich nicht bearbeiten; hält ein anderes Programm den Layer gesperrt?</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/review.py"/>
        <source>Edits saved.</source>
        <translation>Änderungen gespeichert.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/tiles.py"/>
        <source>Score</source>
        <translation>Wert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/tiles.py"/>
        <source>What changed</source>
        <translation>Änderung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/tiles.py"/>
        <source>Classes</source>
        <translation>Klassen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/tiles.py"/>
        <source>Tile</source>
        <translation>Kachel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/tiles.py"/>
        <source>(skipped: too little data)</source>
        <translation>(ausgelassen: zu wenig Daten)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/tiles.py"/>
        <source>(failed)</source>
        <translation>(gescheitert)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/results/tiles.py"/>
        <source>Answer: {}</source>
        <translation>Antwort: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/ask.py"/>
        <source>try again</source>
        <translation>erneut versuchen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/caption_run.py"/>
        <source>ChangeScribe: caption changes</source>
        <translation>ChangeScribe: Änderungen beschreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/caption_run.py"/>
        <source>copy the diagnostics (Settings &gt; Options &gt; ChangeScribe) and report it</source>
        <translation>die Diagnose kopieren (Einstellungen &gt; Optionen &gt; ChangeScribe) und melden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/caption_run.py"/>
        <source>{layer} (not saved)</source>
        <translation>{layer} (nicht gespeichert)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/caption_run.py"/>
        <source>{layer} (running)</source>
        <translation>{layer} (läuft)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/point.py"/>
        <source>an area outside the layers</source>
        <translation>ein Bereich neben den Layern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/point.py"/>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>an area on the ground that both rasters share</source>
        <translation>ein Bereich auf der gemeinsamen Fläche beider Raster</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/point.py"/>
        <source>choose another area</source>
        <translation>einen anderen Bereich wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/point.py"/>
        <source>the point cannot be transformed to {crs} ({reason})</source>
        <translation>der Punkt hat in {crs} keine Lage ({reason})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/point.py"/>
        <source>a point on the rasters</source>
        <translation>ein Punkt auf den Rastern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/point.py"/>
        <source>click on them</source>
        <translation>auf sie klicken</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/request.py"/>
        <source>no before layer</source>
        <translation>kein Vorher-Layer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/request.py"/>
        <source>no after layer</source>
        <translation>kein Nachher-Layer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/request.py"/>
        <source>a raster layer for each date</source>
        <translation>ein Rasterlayer für jeden Zeitpunkt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/request.py"/>
        <source>add both rasters to the project and choose them</source>
        <translation>beide Raster dem Projekt hinzufügen und hier wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/request.py"/>
        <source>{folder} cannot be made ({reason})</source>
        <translation>{folder} lässt sich nicht anlegen ({reason})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/request.py"/>
        <source>a folder with write permission</source>
        <translation>ein Ordner mit Schreibrecht</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/run/request.py"/>
        <source>choose another output</source>
        <translation>eine andere Ausgabe wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>ChangeScribe: diagnostics</source>
        <translation>ChangeScribe: Diagnose</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>ChangeScribe: remove the engine</source>
        <translation>ChangeScribe: Engine entfernen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Copy diagnostics</source>
        <translation>Diagnose kopieren</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Removing…</source>
        <translation>Wird entfernt…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Removed.</source>
        <translation>Entfernt.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Not removed: {}</source>
        <translation>Nicht entfernt: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Collecting; this starts the engine…</source>
        <translation>Wird ermittelt; dazu startet die Engine…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Copied. The name of your home folder is left out.</source>
        <translation>Kopiert; der Name des Benutzerordners ist ausgelassen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Engine</source>
        <translation>Engine</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>empty: the managed environment</source>
        <translation>leer: die verwaltete Umgebung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>A Python that has PyTorch and the engine's other libraries (conda, HPC, an NVIDIA GPU)</source>
        <translation>Ein Python, das PyTorch und die anderen Bibliotheken der Engine hat (conda, HPC, eine NVIDIA-Grafikkarte)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>empty: download</source>
        <translation>leer: herunterladen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>chosen by the driver</source>
        <translation>nach dem Treiber gewählt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Set up or repair</source>
        <translation>Einrichten oder reparieren</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Python interpreter</source>
        <translation>Python-Interpreter</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Folder of wheels (offline)</source>
        <translation>Ordner mit Wheels (offline)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>PyTorch for</source>
        <translation>PyTorch für</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Managed environment</source>
        <translation>Verwaltete Umgebung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Defaults of the panel</source>
        <translation>Vorgaben des Bedienfelds</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Set up in {}</source>
        <translation>Eingerichtet in {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Not set up. Will be installed in {}</source>
        <translation>Nicht eingerichtet; sie läge in {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/options.py"/>
        <source>Of other versions: {}</source>
        <translation>Von anderen Versionen: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>ChangeScribe: set up the engine</source>
        <translation>ChangeScribe: die Engine einrichten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>Setting up the engine…</source>
        <translation>Die Engine wird eingerichtet…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>try again; if it fails again, copy the diagnostics and report it</source>
        <translation>erneut versuchen; scheitert es wieder, die Diagnose kopieren und melden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>the set-up was cancelled</source>
        <translation>die Einrichtung wurde abgebrochen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>ChangeScribe: inspect this computer</source>
        <translation>ChangeScribe: diesen Rechner ansehen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>Which PyTorch the engine uses</source>
        <translation>Welches PyTorch die Engine bekommt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Set up the engine</source>
        <translation>Engine einrichten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>This computer could not be inspected.</source>
        <translation>Dieser Rechner ließ sich nicht ansehen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>The captioning engine needs to be set up once.</source>
        <translation>Die Engine für Beschreibungen wird einmal eingerichtet.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>Set up the engine ({size} to download)</source>
        <translation>Engine einrichten ({size} zum Herunterladen)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>Cancelling…</source>
        <translation>Wird abgebrochen…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/gui/settings/setup_bar.py"/>
        <source>Cancelled. The next set-up continues where this one stopped.</source>
        <translation>Abgebrochen. Die nächste Einrichtung macht dort weiter, wo diese aufgehört hat.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/i18n.py"/>
        <source>Needed: {}</source>
        <translation>Benötigt: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/i18n.py"/>
        <source>To do: {}</source>
        <translation>Abhilfe: {}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <source>the area {name} has no polygons</source>
        <translation>der Bereich {name} hat keine Polygone</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <source>at least one</source>
        <translation>mindestens eines</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <source>choose a polygon layer; with 'selected features only' select some</source>
        <translation>einen Polygonlayer wählen; mit „Nur gewählte Objekte“ einige auswählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <source>the area {name} has no CRS</source>
        <translation>der Bereich {name} hat kein KBS</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <source>a layer with a CRS</source>
        <translation>ein Layer mit einem KBS</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <source>set it with Layer &gt; Set CRS of Layer</source>
        <translation>mit Layer &gt; KBS von Layer(n) setzen festlegen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <source>the area could not be written to {path} ({message})</source>
        <translation>der Bereich konnte nicht nach {path} geschrieben werden ({message})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <source>a writable temporary folder</source>
        <translation>ein beschreibbarer temporärer Ordner</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/areas.py"/>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>free some space</source>
        <translation>Platz schaffen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>{name} returned no image (error {failed})</source>
        <translation>{name} ergab kein Bild (Fehler {failed})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>a layer that can be drawn</source>
        <translation>ein Layer, der sich zeichnen lässt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>check that it shows on the map here</source>
        <translation>prüfen, ob er hier auf der Karte erscheint</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>{name} returned an empty image of this area</source>
        <translation>{name} ergab für diesen Bereich ein leeres Bild</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>check the connection and that it shows on the map</source>
        <translation>die Verbindung prüfen und ob er auf der Karte erscheint</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>a layer with data here</source>
        <translation>ein Layer, der hier Daten hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>{layer} has no image for {percent:.1f} % of the area: no data there, or tiles that the server did not return</source>
        <translation>{layer} hat für {percent:.1f} % des Bereichs kein Bild: dort sind keine Daten, oder der Server hat Kacheln nicht geliefert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>{layer} is not a file: {width} × {height} pixels are written to a GeoTIFF{note}.</source>
        <translation>{layer} ist keine Datei: {width} × {height} Pixel davon werden in ein GeoTIFF geschrieben{note}.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>{layer} does not reach the area</source>
        <translation>{layer} reicht nicht bis in den Bereich</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>a layer that covers it</source>
        <translation>ein Layer, der ihn abdeckt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>choose another extent</source>
        <translation>eine andere Ausdehnung wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>{layer} would give {width} × {height} pixels for this area</source>
        <translation>{layer} ergäbe für diesen Bereich {width} × {height} Pixel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>at most {max_pixels} million</source>
        <translation>höchstens {max_pixels} Millionen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>choose a smaller EXTENT, or save the layer as GeoTIFF first</source>
        <translation>eine kleinere Ausdehnung (EXTENT) wählen oder den Layer zuerst als GeoTIFF speichern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>, enlarged {factor:.1f} times: its finest tiles are of zoom {zoom}</source>
        <translation>, {factor:.1f}-fach vergrößert: seine feinsten Kacheln haben Zoomstufe {zoom}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/exports.py"/>
        <source>, tiles of about zoom {zoom}</source>
        <translation>, Kacheln etwa der Zoomstufe {zoom}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/grid_layer.py"/>
        <source>A Shapefile cuts field names to 10 characters and texts to 254; choose GeoPackage to keep names, captions, style and provenance whole.</source>
        <translation>Ein Shapefile kürzt Feldnamen auf 10 und Texte auf 254 Zeichen; ein GeoPackage erhält Namen, Beschreibungen, Stil und Herkunft vollständig.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>row {number} names no raster for {columns}</source>
        <translation>in Zeile {number} steht kein Raster für {columns}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>a table without rows</source>
        <translation>eine Tabelle ohne Zeilen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>one row per pair</source>
        <translation>eine Zeile je Paar</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>choose another table</source>
        <translation>eine andere Tabelle wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>a table without the column {columns}</source>
        <translation>eine Tabelle ohne die Spalte {columns}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>columns before and after (optional: output and aoi)</source>
        <translation>die Spalten before und after (auf Wunsch output und aoi)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>rename them</source>
        <translation>sie umbenennen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>set the parameter and remove the column, or use the command `changescribe batch`</source>
        <translation>den Parameter setzen und die Spalte entfernen, oder den Befehl `changescribe batch` benutzen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>a table with the column {column}</source>
        <translation>eine Tabelle mit der Spalte {column}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>the same settings for all pairs</source>
        <translation>dieselben Einstellungen für alle Paare</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>the pattern {pattern!r}</source>
        <translation>das Muster {pattern!r}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>{name} once, for what the two files of a pair share</source>
        <translation>{name} genau einmal, für das, was die beiden Dateien eines Paars gemeinsam haben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>write it as {name}_before.tif</source>
        <translation>als {name}_before.tif schreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>the same pattern {before_pattern!r} for both dates</source>
        <translation>dasselbe Muster {before_pattern!r} für beide Zeitpunkte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>two patterns</source>
        <translation>zwei Muster</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>correct one, or give a pattern with {date}</source>
        <translation>eines berichtigen oder ein Muster mit {date} angeben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>correct the patterns; a subfolder is written before a slash: A/{name}.png</source>
        <translation>die Muster berichtigen; ein Unterordner steht vor einem Schrägstrich: A/{name}.png</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>no file in {folder} fits {before_pattern} or {after_pattern}</source>
        <translation>keine Datei in {folder} passt zu {before_pattern} oder {after_pattern}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>pairs of rasters</source>
        <translation>Rasterpaare</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>{path} has no partner ({pattern})</source>
        <translation>{path} hat kein Gegenstück ({pattern})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>{date} once, and a name for each other part that varies</source>
        <translation>{date} genau einmal und ein Name für jeden anderen Teil, der wechselt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>write it as {place}_{date}.tif</source>
        <translation>als {place}_{date}.tif schreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>two files of {place} of {date}</source>
        <translation>zwei Dateien von {place} vom {date}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>the series</source>
        <translation>der Reihe</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>one per date</source>
        <translation>eine je Datum</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>rename {other} or {path}</source>
        <translation>{other} oder {path} umbenennen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>correct the pattern; a date is 2021, 202106, 20210630, 2021-06 or 2021-06-30, a subfolder is written before a slash</source>
        <translation>das Muster berichtigen; ein Datum ist 2021, 202106, 20210630, 2021-06 oder 2021-06-30, ein Unterordner steht vor einem Schrägstrich</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>no file in {folder} fits {pattern}</source>
        <translation>keine Datei in {folder} passt zu {pattern}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>rasters of several dates</source>
        <translation>Raster mehrerer Zeitpunkte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>{path} is the only date of {place}</source>
        <translation>{path} ist der einzige Zeitpunkt von {place}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>{place} has the dates {dates}, not all of one form</source>
        <translation>{place}: die Daten {dates} haben nicht alle dieselbe Form</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>two pairs named {name}</source>
        <translation>zwei Paare mit dem Namen {name}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>a different name for each pair</source>
        <translation>ein eigener Name für jedes Paar</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/jobs.py"/>
        <source>give the table a column output, or rename the files</source>
        <translation>der Tabelle eine Spalte output geben oder die Dateien umbenennen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>a layer that ChangeScribe wrote</source>
        <translation>ein Layer, den ChangeScribe geschrieben hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>the layer {layer} has no column {columns}</source>
        <translation>dem Layer {layer} fehlt die Spalte {columns}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>choose one; a Shapefile cuts names, so keep a GeoPackage</source>
        <translation>einen solchen wählen; ein Shapefile kürzt Namen, daher ein GeoPackage behalten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>the layer {layer} has edits that are not saved</source>
        <translation>der Layer {layer} hat Änderungen, die nicht gespeichert sind</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>the edits on the map saved in the layer</source>
        <translation>dass im Layer steht, was die Karte zeigt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>save the layer's edits</source>
        <translation>die Änderungen des Layers speichern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>a copy of {layer} cannot be written ({reason})</source>
        <translation>eine Kopie von {layer} lässt sich nicht schreiben ({reason})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/layer_file.py"/>
        <source>room in the folder for temporary files</source>
        <translation>Platz im Ordner für temporäre Dateien</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>the same raster for BEFORE and AFTER ({before})</source>
        <translation>dasselbe Raster für BEFORE und AFTER ({before})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>two rasters of one place</source>
        <translation>zwei Raster eines Orts</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>choose the later one as AFTER</source>
        <translation>das spätere als AFTER wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>set it with Layer &gt; Set CRS of Layer, or in the file with gdal_edit.py -a_srs</source>
        <translation>mit Layer &gt; KBS von Layer(n) setzen festlegen, oder in der Datei mit gdal_edit.py -a_srs</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>the {role} raster {layer} has no CRS</source>
        <translation>das Raster {layer} ({role}) hat kein KBS</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>a georeferenced raster</source>
        <translation>ein georeferenziertes Raster</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>{places} share no ground</source>
        <translation>{places} haben keine gemeinsame Fläche</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>check the CRS of both layers and that they show the same place</source>
        <translation>das KBS beider Layer prüfen und ob sie denselben Ort zeigen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>an area ({rectangle}, {crs}) outside {layer} {where}</source>
        <translation>ein Bereich ({rectangle}, {crs}) außerhalb von {layer} {where}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>check the area's coordinates and CRS</source>
        <translation>die Koordinaten und das KBS des Bereichs prüfen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>bands {bands} of {layer}, which has {count}</source>
        <translation>die Kanäle {bands} von {layer}, das {count} hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>three bands (red, green, blue) or one</source>
        <translation>drei Kanäle (Rot, Grün, Blau) oder einer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>choose three, or none for those the layer shows</source>
        <translation>drei wählen, oder keinen für die, die der Layer zeigt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>{layer}: the layer's open options ({options}) are not passed on</source>
        <translation>{layer}: die Öffnungsoptionen des Layers ({options}) werden nicht weitergegeben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>write it into the file with gdal_edit.py -a_srs, or save the layer with that CRS</source>
        <translation>es mit gdal_edit.py -a_srs in die Datei schreiben oder den Layer in diesem KBS speichern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>{layer} has a custom CRS that was set in QGIS</source>
        <translation>{layer} hat ein benutzerdefiniertes KBS, das in QGIS gesetzt wurde</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>one with a code such as EPSG:32633</source>
        <translation>eines mit einem Code wie EPSG:32633</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>nothing</source>
        <translation>nichts</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>{layer}: taken as {crs}, as set in QGIS; the file says {own}</source>
        <translation>{layer}: als {crs} genommen, wie in QGIS gesetzt; in der Datei steht {own}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>two online layers without an extent</source>
        <translation>zwei Online-Layer ohne Ausdehnung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>a limited area</source>
        <translation>ein begrenzter Bereich</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/rasters.py"/>
        <source>set EXTENT or AOI</source>
        <translation>EXTENT oder AOI setzen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/sources.py"/>
        <source>an area that cannot be transformed to {crs} ({error})</source>
        <translation>ein Bereich, der in {crs} keine Lage hat ({error})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/sources.py"/>
        <source>an area on the rasters</source>
        <translation>ein Bereich auf den Rastern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/sources.py"/>
        <source>correct it</source>
        <translation>ihn berichtigen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>{output}, a format without geometries</source>
        <translation>{output}, ein Format ohne Geometrien</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>a format that holds the tiles' polygons</source>
        <translation>ein Format, das die Polygone der Kacheln aufnimmt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>choose GeoPackage, or .csv, which gets them as text (WKT)</source>
        <translation>GeoPackage wählen, oder .csv, das sie als Text erhält (WKT)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>{output} is loaded as the layer {layer}, whose edits are not saved</source>
        <translation>{output} ist als Layer {layer} geladen, dessen Änderungen nicht gespeichert sind</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>an output that overwrites nobody's work</source>
        <translation>eine Ausgabe, die niemandes Arbeit überschreibt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>choose another output, or discard the layer's edits</source>
        <translation>eine andere Ausgabe wählen oder die Änderungen des Layers verwerfen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>{output} holds several layers ({layers}), which would all be replaced</source>
        <translation>{output} enthält mehrere Layer ({layers}), die alle ersetzt würden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>choose another file, or 'Save to GeoPackage…' with a new layer name</source>
        <translation>eine andere Datei wählen, oder „In GeoPackage speichern…“ mit einem neuen Layernamen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>{output} holds corrected or judged tiles</source>
        <translation>{output} enthält berichtigte oder beurteilte Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>choose another output, or delete this one first</source>
        <translation>eine andere Ausgabe wählen oder diese zuerst löschen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>a layer without unsaved edits</source>
        <translation>ein Layer ohne ungespeicherte Änderungen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>save or discard the layer's edits</source>
        <translation>die Änderungen des Layers speichern oder verwerfen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/layers/target.py"/>
        <source>The layer {layer} was edited during the run. It still shows the output that was replaced, and its edits cannot be saved: export what you need, then remove it.</source>
        <translation>Der Layer {layer} wurde während des Laufs bearbeitet. Er zeigt noch die ersetzte Ausgabe, und seine Änderungen lassen sich nicht speichern: exportieren, was gebraucht wird, und den Layer dann entfernen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Threshold</source>
        <translation>Schwellenwert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Ground resolution</source>
        <translation>Bodenauflösung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Tile size</source>
        <translation>Kachelgröße</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Tile overlap</source>
        <translation>Kachelüberlappung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Pixel stretch</source>
        <translation>Streckung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Maximum no data</source>
        <translation>Höchstens ohne Daten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Clip tiles to area</source>
        <translation>Auf Gebiet zuschneiden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Tiles per batch</source>
        <translation>Kacheln je Stapel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Decoding</source>
        <translation>Dekodierung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Seed</source>
        <translation>Startwert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Sampling steps</source>
        <translation>Sampling-Schritte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Sampler</source>
        <translation>Sampler</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Samples per tile</source>
        <translation>Ziehungen je Kachel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Question</source>
        <translation>Frage</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Undeclared fill</source>
        <translation>Füllflächen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Mask, before</source>
        <translation>Maske, vorher</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Mask, after</source>
        <translation>Maske, nachher</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>The model that writes the captions</source>
        <translation>Das Modell, das die Beschreibungen schreibt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Change score from which a tile counts as changed and gets a caption; a higher one gives fewer tiles. Empty: the model's own</source>
        <translation>Änderungswert, ab dem eine Kachel als verändert gilt und eine Beschreibung bekommt; ein höherer ergibt weniger Kacheln. Leer: der des Modells</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Ground size of a pixel: native (the before layer's), model (what the model was trained at), or metres</source>
        <translation>Bodengröße eines Pixels: native (die des Vorher-Layers), model (womit das Modell trainiert wurde) oder Meter</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Side of a tile in pixels. The models expect 256; other tiles are resampled to it</source>
        <translation>Seitenlänge einer Kachel in Pixeln. Die Modelle erwarten 256; andere Kacheln werden darauf umgerechnet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Pixels that neighbouring tiles share</source>
        <translation>Pixel, die benachbarte Kacheln gemeinsam haben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Moves the after raster where it does not lie on the before raster: by one offset, or also turned, stretched and bent</source>
        <translation>Verschiebt das Nachher-Raster, wo es nicht auf dem Vorher-Raster liegt: um einen Versatz, oder auch gedreht, gestreckt und verbogen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>percentile: 2–98 % of each raster; none: values are 0–255 already</source>
        <translation>percentile: 2–98 % jedes Rasters; none: die Werte sind bereits 0–255</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Tiles where either date lacks data on a larger share are skipped; on the rest, the model sees only what both dates have</source>
        <translation>Kacheln, in denen einem der Zeitpunkte auf einem größeren Anteil Daten fehlen, werden übersprungen; auf den übrigen sieht das Modell nur, was beide Zeitpunkte zeigen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>The model does not see what lies beyond the area in tiles at its edge. Clicks caption whole tiles</source>
        <translation>Das Modell sieht in Kacheln am Rand nicht, was außerhalb des Gebiets liegt. Klicks beschreiben ganze Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>auto uses the GPU if a test computation succeeds, otherwise the CPU; the log says which and why</source>
        <translation>auto nutzt die GPU, wenn eine Proberechnung gelingt, sonst die CPU; das Protokoll nennt beides und den Grund</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Tiles that the model sees at once. Empty: chosen for the device. Fewer tiles need less memory</source>
        <translation>Kacheln, die das Modell auf einmal sieht. Leer: passend zum Gerät gewählt. Weniger Kacheln brauchen weniger Speicher</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>beam compares several sentences for each tile; greedy takes the first and is faster</source>
        <translation>beam vergleicht mehrere Sätze je Kachel; greedy nimmt den ersten und ist schneller</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Run seed of models that draw samples: the same seed gives the same captions</source>
        <translation>Startwert für Modelle, die Stichproben ziehen: derselbe Startwert ergibt dieselben Beschreibungen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Steps of the sampler, for models that draw samples; fewer are faster. Empty: the model's own</source>
        <translation>Schritte des Samplers, für Modelle, die Stichproben ziehen; weniger sind schneller. Leer: die des Modells</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>How a model that draws samples draws them. Empty: the model's own</source>
        <translation>Wie ein Modell, das Stichproben zieht, sie zieht. Leer: die Art des Modells</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Captions drawn for each tile; the one most like the others is kept. Two take twice as long as one. Empty: the model's own</source>
        <translation>Beschreibungen, die je Kachel gezogen werden; die den anderen ähnlichste bleibt. Zwei dauern doppelt so lange wie eine. Leer: die Zahl des Modells</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Asked about every tile, in English, for models that answer questions; the answers have a field of their own</source>
        <translation>Wird zu jeder Kachel gestellt, auf Englisch, bei Modellen, die Fragen beantworten; die Antworten haben ein eigenes Feld</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>auto: an area of one exact value that reaches the raster's border counts as no data; none: it counts as ground; a number: the value that fill has in all bands</source>
        <translation>auto: eine Fläche mit genau einem Wert, die bis an den Rand des Rasters reicht, zählt als fehlende Daten; none: sie zählt als Boden; eine Zahl: der Wert, den Füllflächen in allen Kanälen haben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Clouds and other ground to ignore in the before raster: a raster (Sentinel-2 SCL, Planet UDM2, 0 and 1) or polygons; FILE|masked=3,8-10 or FILE|clear=4-7 names the values</source>
        <translation>Wolken und was sonst im Vorher-Raster nicht zählen soll: ein Raster (Sentinel-2 SCL, Planet UDM2, 0 und 1) oder Polygone; FILE|masked=3,8-10 oder FILE|clear=4-7 nennt die Werte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Clouds and other ground to ignore in the after raster: a raster (Sentinel-2 SCL, Planet UDM2, 0 and 1) or polygons; FILE|masked=3,8-10 or FILE|clear=4-7 names the values</source>
        <translation>Wolken und was sonst im Nachher-Raster nicht zählen soll: ein Raster (Sentinel-2 SCL, Planet UDM2, 0 und 1) oder Polygone; FILE|masked=3,8-10 oder FILE|clear=4-7 nennt die Werte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>automatic</source>
        <translation>auto</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>the model's own</source>
        <translation>wie im Modell</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Off</source>
        <translation>Aus</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>By one offset (shift)</source>
        <translation>Um einen Versatz (shift)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Turned, stretched, locally (local)</source>
        <translation>Gedreht, gestreckt, örtlich (local)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>2–98 % of each raster</source>
        <translation>2–98 % jedes Rasters</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>None (values are 0–255)</source>
        <translation>Keine (Werte sind 0–255)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Beam search</source>
        <translation>Strahlsuche (beam)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>Greedy</source>
        <translation>Gierig (greedy)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/option_texts.py"/>
        <source>such as: what happened to the trees?</source>
        <translation>etwa: what happened to the trees?</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>ChangeScribe panel</source>
        <translation>ChangeScribe-Bedienfeld</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Caption the tile under a click</source>
        <translation>Die angeklickte Kachel beschreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Next changed tile</source>
        <translation>Nächste geänderte Kachel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Previous changed tile</source>
        <translation>Vorige geänderte Kachel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Judge a sample</source>
        <translation>Stichprobe beurteilen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Settings…</source>
        <translation>Einstellungen…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>Help</source>
        <translation>Hilfe</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/plugin.py"/>
        <source>No tiles are listed: caption an area, or list a layer of captions in the panel.</source>
        <translation>Es ist keine Kachel gelistet: einen Bereich beschreiben lassen oder im Bedienfeld einen Layer mit Beschreibungen auflisten.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Wanted standard error of the overall accuracy</source>
        <translation>Gewünschter Standardfehler der Gesamtgenauigkeit</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Expected accuracy of tiles mapped as changed</source>
        <translation>Erwartete Genauigkeit der als verändert kartierten Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Expected accuracy of tiles mapped as unchanged</source>
        <translation>Erwartete Genauigkeit der als unverändert kartierten Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Tiles per stratum at least</source>
        <translation>Kacheln je Schicht mindestens</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Tiles in all (empty: from the standard error)</source>
        <translation>Kacheln insgesamt (leer: aus dem Standardfehler)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Seed of the draw</source>
        <translation>Startwert der Ziehung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Draw a sample to judge</source>
        <translation>Stichprobe zum Beurteilen ziehen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Draws a stratified random sample of a layer's tiles, to be judged in the panel's Accuracy page. From the judgements 'Accuracy and areas' estimates how right the map is, and how large the area of change is with a 95 % interval.

Strata are changed and unchanged tiles, the first class of each changed tile, or bands of the change score. The number of tiles follows from the wanted standard error (Cochran 1977; Olofsson et al. 2014), is shared among the strata by their ground, and each stratum gets a minimum. The same seed draws the same tiles.

The sample is a file of its own. A review of the layer never counts as a judgement: who reviews chooses what to look at.</source>
        <translation>Zieht eine geschichtete Zufallsstichprobe der Kacheln eines Layers, die auf der Seite „Genauigkeit“ des Bedienfelds beurteilt wird. Aus den Urteilen schätzt „Genauigkeit und Flächen“, wie richtig die Karte ist und wie groß die veränderte Fläche ist, mit einem 95-%-Intervall.

Schichten sind veränderte und unveränderte Kacheln, die erste Klasse jeder veränderten Kachel oder Bereiche des Veränderungswerts. Die Zahl der Kacheln folgt aus dem gewünschten Standardfehler (Cochran 1977; Olofsson et al. 2014), wird nach ihrer Fläche auf die Schichten verteilt, und jede Schicht erhält eine Mindestzahl. Derselbe Startwert zieht dieselben Kacheln.

Die Stichprobe ist eine eigene Datei. Eine Durchsicht des Layers zählt nie als Urteil: Wer durchsieht, sucht sich aus, was er ansieht.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Change captions</source>
        <translation>Änderungsbeschreibungen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Strata</source>
        <translation>Schichten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Tiles to judge</source>
        <translation>Kacheln zum Beurteilen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Tiles by stratum</source>
        <translation>Kacheln je Schicht</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>{} tiles to judge ({})</source>
        <translation>{} Kacheln zum Beurteilen ({})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Accuracy and areas</source>
        <translation>Genauigkeit und Flächen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Estimates, from a judged sample, the error matrix in tiles and shares of the area, overall, user's and producer's accuracy, and the error-adjusted area of each class and of all change, each with a 95 % interval; the mapped area stands beside it. Where two persons have judged, it gives Cohen's kappa.

Estimators: Olofsson et al. 2014, eqs 1–11; Stehman 2014 where the strata are not the map's classes. Intervals are Wilson's, combined over the strata.

With the layer that the sample was drawn from, it checks that its tiles are still the same.</source>
        <translation>Schätzt aus einer beurteilten Stichprobe die Fehlermatrix in Kacheln und Flächenanteilen, die Gesamt-, Nutzer- und Herstellergenauigkeit und die fehlerbereinigte Fläche jeder Klasse und aller Veränderung, je mit einem 95-%-Intervall; daneben steht die kartierte Fläche. Haben zwei Personen geurteilt, so gibt sie Cohens Kappa an.

Schätzer: Olofsson et al. 2014, Gl. 1–11; Stehman 2014, wo die Schichten nicht die Klassen der Karte sind. Die Intervalle sind die von Wilson, über die Schichten zusammengefasst.

Mit dem Layer, aus dem die Stichprobe gezogen wurde, wird geprüft, ob seine Kacheln noch dieselben sind.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Judged sample</source>
        <translation>Beurteilte Stichprobe</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Change captions it was drawn from (to check them)</source>
        <translation>Beschreibungen, aus denen sie gezogen wurde (zur Prüfung)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Result as JSON</source>
        <translation>Ergebnis als JSON</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Result as a table</source>
        <translation>Ergebnis als Tabelle</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Summary</source>
        <translation>Zusammenfassung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Judged tiles</source>
        <translation>Beurteilte Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Overall accuracy (0–1)</source>
        <translation>Gesamtgenauigkeit (0–1)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Overall accuracy, lower bound</source>
        <translation>Gesamtgenauigkeit, untere Grenze</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Overall accuracy, upper bound</source>
        <translation>Gesamtgenauigkeit, obere Grenze</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Error-adjusted area of change (m²)</source>
        <translation>Fehlerbereinigte veränderte Fläche (m²)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Area of change, lower bound (m²)</source>
        <translation>Veränderte Fläche, untere Grenze (m²)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Area of change, upper bound (m²)</source>
        <translation>Veränderte Fläche, obere Grenze (m²)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Area of change on the map (m²)</source>
        <translation>Veränderte Fläche auf der Karte (m²)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/accuracy.py"/>
        <source>Agreement of two interpreters (Cohen's kappa)</source>
        <translation>Übereinstimmung zweier Personen (Cohens Kappa)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>On the command line:</source>
        <translation>Auf der Kommandozeile:</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>{done} of {total} tiles, {changed} changed</source>
        <translation>{done} von {total} Kacheln, {changed} geändert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>, {rate:.1f} tiles/s</source>
        <translation>, {rate:.1f} Kacheln/s</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/base.py"/>
        <source>, about {seconds:.0f} s left</source>
        <translation>, noch etwa {seconds:.0f} s</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>Summarise changes by area</source>
        <translation>Änderungen nach Gebieten zusammenfassen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>Captions what changed between two rasters inside the polygons of a layer and adds it up: one row a polygon with its own attributes, the number of tiles, of changed ones, the changed share of its ground, the classes added, removed and altered (number of tiles), the captions that tell most, and a plain sentence.

A tile counts for every polygon that it overlaps; shares are weighted by the overlap. After cancelling, rows hold what was captioned until then, and say so.

The engine runs in its own process. If it is not set up, run 'Engine status' first.</source>
        <translation>Beschreibt, was sich innerhalb der Polygone eines Layers zwischen zwei Rastern geändert hat, und fasst es zusammen: eine Zeile je Polygon mit dessen eigenen Attributen, der Zahl der Kacheln und der geänderten, dem geänderten Anteil der Fläche, den neuen, entfernten und veränderten Klassen (Zahl der Kacheln), den aussagekräftigsten Beschreibungen und einem Satz in einfachem Englisch.

Eine Kachel zählt für jedes Polygon, das sie überlappt; Anteile sind nach der Überlappung gewichtet. Nach einem Abbruch enthalten die Zeilen, was bis dahin beschrieben war, und sagen das auch.

Die Engine läuft in einem eigenen Prozess. Ist sie nicht eingerichtet, zuerst „Status der Engine“ ausführen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>Areas</source>
        <translation>Gebiete</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>Change by area</source>
        <translation>Änderungen je Gebiet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>A row could not be written to {destination}: {reason}</source>
        <translation>Eine Zeile konnte nicht nach {destination} geschrieben werden: {reason}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>{cancelled} Rows with the tiles captioned so far are in {place}</source>
        <translation>{cancelled} Zeilen mit dem, was bis dahin beschrieben war, stehen in {place}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>The area with id {fid} cannot be transformed to the CRS of the before raster ({error})</source>
        <translation>Das Gebiet mit der ID {fid} lässt sich nicht in das KBS des Vorher-Rasters umrechnen ({error})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>a polygon on the rasters</source>
        <translation>ein Polygon auf den Rastern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_area.py"/>
        <source>correct its coordinates or CRS</source>
        <translation>seine Koordinaten oder sein KBS berichtigen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Caption changes of many pairs</source>
        <translation>Änderungen vieler Paare beschreiben</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Captions many pairs of rasters with the same settings: one GeoPackage a pair in the output folder, and a table of what happened.

The pairs come from a table (CSV or any layer) with the columns before and after and, if wished, output (a name) and aoi (a polygon file); relative paths are taken from the table's folder. Or from a folder and two name patterns, where {name} stands for what the two files of a pair share: {name}_before.tif and {name}_after.tif, or A/{name}.png and B/{name}.png. Or from a folder and one pattern with {date}, such as {place}_{date}.tif or {place}/ortho_{date}.tif, where each date of a place is compared with the next, or the first with the last; a date is a year, month or day, such as 2021, 202106 or 2021-06-30.

A pair that fails is written into the table with its reason; the others go on. With 'continue', a second run skips what is done and takes up what was interrupted.</source>
        <translation>Beschreibt viele Rasterpaare mit denselben Einstellungen: ein GeoPackage je Paar im Ausgabeordner und eine Tabelle, was daraus wurde.

Die Paare kommen aus einer Tabelle (CSV oder ein beliebiger Layer) mit den Spalten before und after und, falls gewünscht, output (ein Name) und aoi (eine Polygondatei); relative Pfade gelten ab dem Ordner der Tabelle. Oder aus einem Ordner und zwei Namensmustern, in denen {name} für das steht, was die beiden Dateien eines Paars gemeinsam haben: {name}_before.tif und {name}_after.tif, oder A/{name}.png und B/{name}.png. Oder aus einem Ordner und einem Muster mit {date}, etwa {place}_{date}.tif oder {place}/ortho_{date}.tif, wobei jedes Datum eines Orts mit dem nächsten verglichen wird oder das erste mit dem letzten; ein Datum ist ein Jahr, Monat oder Tag, etwa 2021, 202106 oder 2021-06-30.

Ein Paar, das scheitert, steht mit seinem Grund in der Tabelle; die übrigen laufen weiter. Mit „Vorhandene Ausgaben fortsetzen“ überspringt ein zweiter Lauf das Erledigte und nimmt Unterbrochenes wieder auf.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Table of pairs (columns before, after)</source>
        <translation>Tabelle der Paare (Spalten before, after)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>or folder of pairs</source>
        <translation>oder Ordner der Paare</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Name pattern of the before rasters</source>
        <translation>Namensmuster der Vorher-Raster</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Name pattern of the after rasters</source>
        <translation>Namensmuster der Nachher-Raster</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>or name pattern with dates, such as {place}_{date}.tif</source>
        <translation>oder Namensmuster mit Datum, etwa {place}_{date}.tif</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Dates to compare</source>
        <translation>Zu vergleichende Zeitpunkte</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Bands of the before rasters, such as 4,3,2</source>
        <translation>Kanäle der Vorher-Raster, etwa 4,3,2</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Bands of the after rasters</source>
        <translation>Kanäle der Nachher-Raster</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Continue existing outputs</source>
        <translation>Vorhandene Ausgaben fortsetzen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Output folder</source>
        <translation>Ausgabeordner</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Pairs</source>
        <translation>Paare</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Pairs done</source>
        <translation>Erledigte Paare</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Pairs that failed</source>
        <translation>Gescheiterte Paare</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>both a table and a folder</source>
        <translation>eine Tabelle und zugleich ein Ordner</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>no pairs</source>
        <translation>keine Paare</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a table or a folder</source>
        <translation>eine Tabelle oder ein Ordner</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>choose one of the two</source>
        <translation>eines von beiden wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>the folder {folder}, which does not exist</source>
        <translation>der Ordner {folder}, den es nicht gibt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a folder of rasters</source>
        <translation>ein Ordner mit Rastern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>choose another</source>
        <translation>einen anderen wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a table that cannot be opened</source>
        <translation>eine Tabelle, die sich nicht öffnen lässt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a CSV file or a layer</source>
        <translation>eine CSV-Datei oder ein Layer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>Cancelled before the first pair.</source>
        <translation>Vor dem ersten Paar abgebrochen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>{done} of {pairs} pairs done, {failed} failed</source>
        <translation>{done} von {pairs} Paaren erledigt, {failed} gescheitert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>a before and an after raster</source>
        <translation>ein Vorher- und ein Nachher-Raster</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>add the missing file</source>
        <translation>die fehlende Datei ergänzen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>bands {text!r}</source>
        <translation>Kanäle {text!r}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>three band numbers counted from 1, such as 4,3,2</source>
        <translation>drei Kanalnummern, gezählt ab 1, etwa 4,3,2</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_batch.py"/>
        <source>correct them</source>
        <translation>berichtigen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Describes in plain English what changed between two rasters of one place. The area is cut into tiles; each cell of the output has a caption, whether it changed, a change score, and the classes that were added, removed and altered.

The rasters may differ in CRS, resolution and extent: the AFTER raster is warped to the grid of the BEFORE raster. Tiles with too little data in either are skipped and marked so.

Bands: choose three (red, green, blue) or one; without a choice, those that the layer shows in the project are taken.

Heat map (optional): a raster on the pixels of the BEFORE raster that says where in the changed tiles buildings changed, in percent.

Area: an extent, or the polygons of a layer (selected features only, if wished); without either, all ground that the rasters share.

The engine runs in its own process. Cancelling keeps what is captioned until then. If the engine is not set up, run 'Engine status' first.</source>
        <translation>Beschreibt in einfachem Englisch, was sich zwischen zwei Rastern eines Orts geändert hat. Der Bereich wird in Kacheln geteilt; jede Zelle der Ausgabe hat eine Beschreibung, ob sie sich geändert hat, einen Änderungswert und die neuen, entfernten und veränderten Klassen.

Die Raster dürfen sich in KBS, Auflösung und Ausdehnung unterscheiden: das Raster AFTER wird auf das Pixelgitter des Rasters BEFORE umprojiziert. Kacheln mit zu wenig Daten in einem von beiden werden ausgelassen und so gekennzeichnet.

Kanäle: drei (Rot, Grün, Blau) oder einen wählen; ohne Wahl die, die der Layer im Projekt zeigt.

Heatmap (optional): ein Raster auf den Pixeln des Rasters BEFORE, das in Prozent sagt, wo in den geänderten Kacheln sich Gebäude geändert haben.

Bereich: eine Ausdehnung oder die Polygone eines Layers (auf Wunsch nur gewählte Objekte); ohne beides die ganze gemeinsame Fläche der Raster.

Die Engine läuft in einem eigenen Prozess. Beim Abbrechen bleibt erhalten, was bis dahin beschrieben ist. Ist die Engine nicht eingerichtet, zuerst „Status der Engine“ ausführen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Extent</source>
        <translation>Ausdehnung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Area (polygons)</source>
        <translation>Bereich (Polygone)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>Heat map (GeoTIFF)</source>
        <translation>Heatmap (GeoTIFF)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>{path} as heat map</source>
        <translation>{path} als Heatmap</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>a name that ends in .tif</source>
        <translation>ein Name, der auf .tif endet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>correct the name</source>
        <translation>den Namen berichtigen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>an extent and an area layer</source>
        <translation>eine Ausdehnung und zugleich ein Layer als Bereich</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>one of the two</source>
        <translation>eines von beiden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>clear EXTENT or AOI</source>
        <translation>EXTENT oder AOI leeren</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>A tile could not be written to {destination}: {reason}</source>
        <translation>Eine Kachel konnte nicht nach {destination} geschrieben werden: {reason}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>{error} The tiles captioned so far are in {place}</source>
        <translation>{error} Was bis dahin beschrieben war, steht in {place}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>{path} cannot be overwritten ({error})</source>
        <translation>{path} lässt sich nicht überschreiben ({error})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>a file that can</source>
        <translation>eine Datei, die überschrieben werden kann</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>close it, or choose another name</source>
        <translation>sie schließen oder einen anderen Namen wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>an area layer that cannot be read</source>
        <translation>ein Layer als Bereich, der sich nicht lesen lässt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/caption_changes.py"/>
        <source>choose another AOI</source>
        <translation>eine andere AOI wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Engine status</source>
        <translation>Status der Engine</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Says which Python runs the captioning engine, whether it works, on which device, and what to do if it does not. Attach its report when you ask for help.

With 'Set up the engine' it first makes the engine's own Python environment in your user folder; QGIS's Python is left as it is. The NVIDIA driver decides which PyTorch it takes, unless you do: for the processor {cpu} to download and {cpu_disk} on disk, for an NVIDIA GPU {gpu} and {gpu_disk}. Cancelling is safe; the next set-up goes on where it stopped. Without a connection, name a folder of wheels.

For a Python that you keep yourself (conda, HPC), choose it in Settings &gt; Options &gt; ChangeScribe or through the environment variable {variable}; then nothing needs to be set up here.</source>
        <translation>Sagt, welches Python die Engine für Beschreibungen ausführt, ob sie funktioniert, auf welchem Gerät, und was zu tun ist, wenn nicht. Den Bericht bei Fragen um Hilfe anhängen.

Mit „Engine einrichten“ wird zuerst die eigene Python-Umgebung der Engine im Benutzerordner angelegt; das Python von QGIS bleibt, wie es ist. Welches PyTorch sie bekommt, entscheidet der NVIDIA-Treiber, sofern es nicht anders gewählt wird: für den Prozessor {cpu} zum Herunterladen und {cpu_disk} auf dem Datenträger, für eine NVIDIA-Grafikkarte {gpu} und {gpu_disk}. Abbrechen ist gefahrlos; die nächste Einrichtung macht dort weiter, wo sie aufgehört hat. Ohne Verbindung einen Ordner mit Wheels angeben.

Ein selbst gepflegtes Python (conda, HPC) unter Einstellungen &gt; Optionen &gt; ChangeScribe oder mit der Umgebungsvariablen {variable} wählen; dann muss hier nichts eingerichtet werden.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>CPU only</source>
        <translation>nur Prozessor</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Folder of wheels (offline set-up)</source>
        <translation>Ordner mit Wheels (Einrichtung ohne Netz)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Report</source>
        <translation>Bericht</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Ready</source>
        <translation>Bereit</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/engine_status.py"/>
        <source>Status</source>
        <translation>Status</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Numbers: TILES is all tiles of the area. CAPTIONED have a caption, changed or not, and CHANGED is how many of them changed. SKIPPED have too little data, FAILED could not be captioned.</source>
        <translation>Zahlen: TILES sind alle Kacheln des Gebiets. CAPTIONED haben eine Beschreibung, verändert oder nicht; CHANGED sind die veränderten unter ihnen. SKIPPED haben zu wenig Daten, FAILED ließen sich nicht beschreiben.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Bands of the before raster</source>
        <translation>Kanäle des Vorher-Rasters</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Bands of the after raster</source>
        <translation>Kanäle des Nachher-Rasters</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Tiles</source>
        <translation>Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Tiles with a caption, changed or not</source>
        <translation>Kacheln mit Beschreibung, verändert oder nicht</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Changed tiles</source>
        <translation>Geänderte Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Tiles without enough data</source>
        <translation>Kacheln mit zu wenig Daten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Failed tiles</source>
        <translation>Gescheiterte Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/pair.py"/>
        <source>Fetching {name}…</source>
        <translation>{name} wird abgerufen…</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/print_report.py"/>
        <source>{} cannot be written</source>
        <translation>{} kann nicht geschrieben werden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/print_report.py"/>
        <source>choose another name</source>
        <translation>wählen Sie einen anderen Namen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/provider.py"/>
        <source>ChangeScribe: captions of change</source>
        <translation>ChangeScribe: Beschreibungen von Änderungen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>The pictures are read from the rasters that the layer was made from. If they were moved, or were no files, choose them here; rasters in files only.</source>
        <translation>Die Bilder werden aus den Rastern gelesen, aus denen der Layer entstanden ist. Wurden sie verschoben oder waren sie keine Dateien, hier wählen; nur Raster in Dateien.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Before (if it was moved)</source>
        <translation>Vorher (falls verschoben)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>After (if it was moved)</source>
        <translation>Nachher (falls verschoben)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Report on changes</source>
        <translation>Bericht über Änderungen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Writes one HTML page on a layer of change captions, to be read, printed or sent: tiles and areas (on the ellipsoid), areas by class, a summary in words, a map, and the top changes with both dates' pictures. The page holds its pictures itself and needs no network; it can be printed to a PDF as well.

Corrected captions take precedence; tiles that are marked as wrong and not corrected are left out. Save the layer's edits first.

With a judged sample of the layer ('Draw a sample to judge', then the panel's Accuracy page) it also has the error matrix and the error-adjusted areas with their 95 % intervals.</source>
        <translation>Schreibt eine HTML-Seite über einen Layer mit Beschreibungen, zum Lesen, Drucken oder Verschicken: Kacheln und Flächen (auf dem Ellipsoid), Flächen je Klasse, eine Zusammenfassung in Worten, eine Karte und die wichtigsten Veränderungen mit Bildern beider Zeitpunkte. Die Seite enthält ihre Bilder selbst und braucht kein Netz; sie kann auch als PDF gedruckt werden.

Berichtigte Beschreibungen gehen vor; Kacheln, die als falsch markiert und nicht berichtigt sind, bleiben weg. Speichern Sie zuerst die Änderungen am Layer.

Mit einer beurteilten Stichprobe des Layers („Stichprobe zum Beurteilen ziehen“, dann die Seite „Genauigkeit“ des Bedienfelds) hat sie auch die Fehlermatrix und die fehlerbereinigten Flächen mit ihren 95-%-Intervallen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Changes with pictures</source>
        <translation>Änderungen mit Bildern</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Heading (empty: made of the layer's name)</source>
        <translation>Überschrift (leer: aus dem Namen des Layers)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Judged sample (adds accuracy and error-adjusted areas)</source>
        <translation>Beurteilte Stichprobe (ergänzt Genauigkeit und fehlerbereinigte Flächen)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Report as PDF</source>
        <translation>Bericht als PDF</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Ground under changed tiles (m²)</source>
        <translation>Fläche unter geänderten Kacheln (m²)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Export reviewed tiles</source>
        <translation>Geprüfte Kacheln exportieren</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Writes the tiles that somebody marked as right or wrong, or whose caption was corrected, as a data set in the layout of LEVIR-CC: pictures of both dates and a JSON file with captions and classes, a quarter of them held out. A tile that is marked as wrong and not corrected is left out. Of the tiles that nobody has judged, some that surely show no change are added, until both kinds are equally many.

With the source code of ChangeScribe the model can be tuned on it: changescribe train --from-reviewed FOLDER --out FOLDER. Save the layer's edits first.</source>
        <translation>Schreibt die Kacheln, die jemand als richtig oder falsch markiert hat oder deren Beschreibung berichtigt wurde, als Datensatz im Aufbau von LEVIR-CC: Bilder beider Zeitpunkte und eine JSON-Datei mit Beschreibungen und Klassen, ein Viertel davon zurückgehalten. Eine Kachel, die als falsch markiert und nicht berichtigt ist, fehlt. Von den Kacheln, die niemand beurteilt hat, kommen einige sicher unveränderte hinzu, bis beide Arten gleich viele sind.

Mit dem Quelltext von ChangeScribe lässt sich das Modell darauf anpassen: changescribe train --from-reviewed ORDNER --out ORDNER. Zuerst die Änderungen des Layers speichern.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Folder for the data set</source>
        <translation>Ordner für den Datensatz</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Tiles to learn from</source>
        <translation>Kacheln zum Lernen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>Tiles held out</source>
        <translation>Zurückgehaltene Kacheln</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>{train} tiles to learn from, {held_out} held out; {changed} changed</source>
        <translation>{train} Kacheln zum Lernen, {held_out} zurückgehalten; {changed} geändert</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>{layer} is not a raster file</source>
        <translation>{layer} ist keine Rasterdatei</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>a raster in a file</source>
        <translation>ein Raster in einer Datei</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/processing/reviewed.py"/>
        <source>export it with Layer &gt; Save As, and choose the file</source>
        <translation>mit Layer &gt; Speichern als… exportieren und die Datei wählen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/base_python.py"/>
        <source>{path} does not start</source>
        <translation>{path} läuft nicht</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/base_python.py"/>
        <source>{path} is Python {version}</source>
        <translation>{path} ist Python {version}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/base_python.py"/>
        <source>{path} (Python {version}) has no module {names}</source>
        <translation>{path} (Python {version}) fehlt das Modul {names}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/base_python.py"/>
        <source>no Python on this computer can run the engine ({reasons})</source>
        <translation>kein Python auf diesem Rechner kann die Engine aufnehmen ({reasons})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/base_python.py"/>
        <source>none found</source>
        <translation>keines gefunden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/base_python.py"/>
        <source>Python {oldest} to {newest} with venv</source>
        <translation>Python {oldest} bis {newest} mit venv</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/base_python.py"/>
        <source>install it with `sudo apt install python3-venv` (Debian, Ubuntu: or python{version}-venv), then try again</source>
        <translation>mit `sudo apt install python3-venv` installieren (Debian, Ubuntu: oder python{version}-venv), dann erneut versuchen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/base_python.py"/>
        <source>install Python 3.12 from python.org (or your system's packages), then try again; or choose a Python that has PyTorch in the settings</source>
        <translation>Python 3.12 von python.org (oder aus den Paketen des Systems) installieren, dann erneut versuchen; oder in den Einstellungen ein Python wählen, das PyTorch hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>CPU (and Apple's GPU)</source>
        <translation>Prozessor (und Apples Grafikkarte)</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>NVIDIA GPU, CUDA {version}</source>
        <translation>NVIDIA-Grafikkarte, CUDA {version}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>{download} to download, {disk} on disk</source>
        <translation>{download} zum Herunterladen, {disk} auf dem Datenträger</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>there is one build for this computer</source>
        <translation>für diesen Rechner gibt es nur eine Fassung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>{gpu} with a driver for CUDA {version}</source>
        <translation>{gpu} mit einem Treiber für CUDA {version}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>{facts}; this GPU needs a newer driver (580 or later), then repair the engine</source>
        <translation>{facts}; diese Grafikkarte braucht einen neueren Treiber (580 oder neuer), danach die Engine reparieren</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>{facts}; PyTorch has no build for compute capability {version}</source>
        <translation>{facts}; PyTorch gibt es nicht für die Compute Capability {version}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>Linux or Windows on x86, Linux on ARM, or a Mac with Apple's processor</source>
        <translation>Linux oder Windows auf x86, Linux auf ARM oder ein Mac mit Apples Prozessor</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>PyTorch has no build {build} for {system} on {machine}</source>
        <translation>PyTorch hat keine Fassung {build} für {system} auf {machine}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>choose another in the settings, or a Python that has PyTorch</source>
        <translation>in den Einstellungen eine andere wählen, oder ein Python, das PyTorch hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/builds.py"/>
        <source>chosen in the settings</source>
        <translation>in den Einstellungen gewählt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/driver.py"/>
        <source>there is no NVIDIA driver for this system</source>
        <translation>für dieses System gibt es keinen NVIDIA-Treiber</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/driver.py"/>
        <source>the NVIDIA driver did not answer within {seconds:g} s</source>
        <translation>der NVIDIA-Treiber hat nicht innerhalb von {seconds:g} s geantwortet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/driver.py"/>
        <source>the NVIDIA driver could not be asked ({error})</source>
        <translation>der NVIDIA-Treiber ließ sich nicht befragen ({error})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/driver.py"/>
        <source>the NVIDIA driver does not answer (exit {code}{said})</source>
        <translation>der NVIDIA-Treiber antwortet nicht (Rückgabewert {code}{said})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/driver.py"/>
        <source>no NVIDIA driver was found</source>
        <translation>es wurde kein NVIDIA-Treiber gefunden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/driver.py"/>
        <source>the NVIDIA driver reports no usable GPU ({error})</source>
        <translation>der NVIDIA-Treiber meldet keine brauchbare Grafikkarte ({error})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>PyTorch for: {build} ({reason}).</source>
        <translation>PyTorch für: {build} ({reason}).</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>Size: {sizes}.</source>
        <translation>Größe: {sizes}.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>Folder: {folder} (Python {version}).</source>
        <translation>Ort: {folder} (Python {version}).</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>QGIS's own Python stays unchanged.</source>
        <translation>Das Python von QGIS bleibt, wie es ist.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>No hash is on record for this build of PyTorch: the version is fixed, but the file is trusted to its server.</source>
        <translation>Die Prüfsumme dieser PyTorch-Fassung ist nicht hinterlegt: die Version steht fest, bei der Datei wird dem Server vertraut.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>{free} free on the disk of {there}</source>
        <translation>{free} frei auf dem Datenträger von {there}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>about {needed}</source>
        <translation>etwa {needed}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>free some space, choose the build for the CPU in the settings, or choose a Python that has PyTorch</source>
        <translation>Platz schaffen, in den Einstellungen die Fassung für den Prozessor wählen oder ein Python wählen, das PyTorch hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>fill it on a connected computer of the same kind, in the plugin's folder {folder}: {commands}</source>
        <translation>auf einem verbundenen Rechner gleicher Art füllen, im Ordner {folder} der Erweiterung: {commands}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>no wheels in {wheels}</source>
        <translation>keine Wheels in {wheels}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>a folder with .whl files</source>
        <translation>ein Ordner mit .whl-Dateien</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>An earlier version's engine was not removed: {error}</source>
        <translation>Die Engine einer früheren Version bleibt: {error}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>another QGIS is using the engine in {folder}</source>
        <translation>ein anderes QGIS arbeitet mit der Engine in {folder}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>one that is not in use</source>
        <translation>eine, die nicht in Gebrauch ist</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>close that QGIS</source>
        <translation>dieses QGIS schließen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>another QGIS is setting up the engine</source>
        <translation>ein anderes QGIS richtet die Engine gerade ein</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>one set-up at a time</source>
        <translation>nur eine Einrichtung zur gleichen Zeit</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>wait until it is done</source>
        <translation>warten, bis sie fertig ist</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>free some space or fix the permissions of {folder}, then try again</source>
        <translation>Platz schaffen oder die Rechte von {folder} berichtigen und erneut versuchen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>the environment cannot be written ({error})</source>
        <translation>die Umgebung lässt sich nicht schreiben ({error})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>a folder with room that you may write</source>
        <translation>ein beschreibbarer Ordner mit genug Platz</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>The engine is set up in {folder}</source>
        <translation>Die Engine ist in {folder} eingerichtet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>Rebuilding the environment: {reason}</source>
        <translation>Die Umgebung wird neu angelegt: {reason}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>The engine captions a test tile</source>
        <translation>Die Engine beschreibt eine Testkachel</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>An earlier set-up does not work and is rebuilt: {error}</source>
        <translation>Was eine frühere Einrichtung hinterlassen hat, funktioniert nicht und wird neu angelegt: {error}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>The build for {build} does not work here; the CPU build replaces it: {error}</source>
        <translation>Die Fassung für {build} funktioniert hier nicht, an ihre Stelle tritt die für den Prozessor: {error}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>it holds the build {built}, the settings ask for {wanted}</source>
        <translation>sie enthält die Fassung {built}, die Einstellungen verlangen {wanted}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>Making a virtual environment in {folder}</source>
        <translation>Eine virtuelle Umgebung wird in {folder} angelegt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>{error} Downloading it again.</source>
        <translation>{error} Sie wird noch einmal heruntergeladen.</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>PyTorch found no GPU that passes a test computation ({reason}); the CPU is used</source>
        <translation>PyTorch findet keine Grafikkarte, die rechnet ({reason}); der Prozessor übernimmt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/install.py"/>
        <source>{name}: {done:.0f} of {total:.0f} MB</source>
        <translation>{name}: {done:.0f} von {total:.0f} MB</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>set up the engine in Settings &gt; Options &gt; ChangeScribe or with the algorithm 'Engine status' (INSTALL=true); or choose a Python that has it there or through the environment variable {variable}</source>
        <translation>die Engine unter Einstellungen &gt; Optionen &gt; ChangeScribe oder mit dem Algorithmus „Status der Engine“ (INSTALL=true) einrichten; oder dort oder mit der Umgebungsvariablen {variable} ein Python wählen, das sie hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>the chosen Python {chosen} does not exist</source>
        <translation>das gewählte Python {chosen} ist nicht vorhanden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>the captioning engine is not set up</source>
        <translation>die Engine für Beschreibungen ist nicht eingerichtet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>a Python environment with PyTorch, about 1 GB on disk</source>
        <translation>eine Python-Umgebung mit PyTorch, etwa 1 GB auf dem Datenträger</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>{python} cannot be started ({reason})</source>
        <translation>{python} lässt sich nicht starten ({reason})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>a Python interpreter</source>
        <translation>ein Python-Interpreter</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>{python} did not answer within {seconds:g} s</source>
        <translation>{python} hat nicht innerhalb von {seconds:g} s geantwortet</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>{python} does not work as a Python interpreter (exit {returncode}: {said})</source>
        <translation>{python} funktioniert nicht als Python-Interpreter (Rückgabewert {returncode}: {said})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>Python 3.10 or later</source>
        <translation>Python 3.10 oder neuer</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/locate.py"/>
        <source>{python} (Python {version}) cannot import {details}</source>
        <translation>{python} (Python {version}) kann {details} nicht importieren</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_config.py"/>
        <source>your pip configuration excludes a package that the engine needs: {constraints}, in {places}</source>
        <translation>die eigene pip-Konfiguration schließt ein Paket aus, das die Engine braucht: {constraints}, in {places}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_config.py"/>
        <source>a constraint file of pip's configuration</source>
        <translation>einer Constraint-Datei der pip-Konfiguration</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_config.py"/>
        <source>change or remove that line, or remove the entry `constraint` from your pip configuration (`pip config debug` shows where it is), then start the set-up again; or choose a Python that has PyTorch in the settings</source>
        <translation>diese Zeile ändern oder entfernen, oder den Eintrag `constraint` aus der pip-Konfiguration nehmen (`pip config debug` zeigt, wo er steht), dann die Einrichtung erneut starten; oder in den Einstellungen ein Python wählen, das PyTorch hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>check the connection and the proxy in Settings &gt; Options &gt; Network, or install from an offline folder of wheels; downloaded parts are kept</source>
        <translation>die Verbindung und den Proxy unter Einstellungen &gt; Optionen &gt; Netzwerk prüfen oder aus einem Ordner mit Wheels installieren; bereits Heruntergeladenes bleibt erhalten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>the disk is full</source>
        <translation>der Datenträger ist voll</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>more free space</source>
        <translation>mehr freier Platz</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>free some and try again; what is done is kept</source>
        <translation>Platz schaffen und erneut versuchen; Erledigtes bleibt erhalten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>the package server's certificate was not accepted</source>
        <translation>das Zertifikat des Paketservers wurde nicht angenommen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a trusted connection</source>
        <translation>eine vertrauenswürdige Verbindung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>give pip your organisation's certificate: pip config set global.cert FILE</source>
        <translation>pip das Zertifikat der eigenen Organisation geben: pip config set global.cert DATEI</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>the proxy refused the connection</source>
        <translation>der Proxy hat die Verbindung abgelehnt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a working proxy</source>
        <translation>ein funktionierender Proxy</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>correct it in Settings &gt; Options &gt; Network</source>
        <translation>unter Einstellungen &gt; Optionen &gt; Netzwerk berichtigen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a file could not be written</source>
        <translation>eine Datei konnte nicht geschrieben werden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a writable folder</source>
        <translation>ein beschreibbarer Ordner</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>close other QGIS windows that use the engine and try again</source>
        <translation>andere QGIS-Fenster schließen, die die Engine benutzen, und erneut versuchen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>{program} cannot be started ({reason})</source>
        <translation>{program} lässt sich nicht starten ({reason})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a working Python</source>
        <translation>ein funktionierendes Python</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>remove the environment and set it up again</source>
        <translation>die Umgebung entfernen und erneut einrichten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>start it again: what is downloaded is kept</source>
        <translation>erneut starten: Heruntergeladenes bleibt erhalten</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a file does not have the hash on record{file}</source>
        <translation>eine Datei hat nicht die hinterlegte Prüfsumme{file}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>exactly the files that this version of ChangeScribe was tested with</source>
        <translation>genau die Dateien, mit denen diese Version von ChangeScribe geprüft wurde</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>try again; if the error persists, a proxy, mirror or folder serves other files: contact whoever runs it</source>
        <translation>erneut versuchen; bleibt es dabei, gibt ein Proxy, Spiegelserver oder Ordner andere Dateien aus: dessen Betreiber verständigen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>pip cannot read {path}</source>
        <translation>pip kann {path} nicht lesen</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a readable file</source>
        <translation>eine lesbare Datei</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>correct the entry `constraint` of your pip configuration (see `pip config debug`); if it names another file, reinstall the plugin</source>
        <translation>den Eintrag `constraint` der pip-Konfiguration berichtigen (siehe `pip config debug`); nennt er eine andere Datei, das Plugin neu installieren</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>; {name} was not found elsewhere</source>
        <translation>; {name} wurde auch sonst nirgends gefunden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a package server cannot be reached{what}</source>
        <translation>ein Paketserver ist nicht erreichbar{what}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a connection to pypi.org and download.pytorch.org</source>
        <translation>eine Verbindung zu pypi.org und download.pytorch.org</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>add its wheel for this Python and system to the folder; or choose a Python that has it in the settings</source>
        <translation>das Wheel für dieses Python und System in den Ordner legen; oder in den Einstellungen ein Python wählen, das es hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>{name} was not found</source>
        <translation>{name} wurde nicht gefunden</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a wheel for this computer</source>
        <translation>ein Wheel für diesen Rechner</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>the installer failed (exit {code}): {words}</source>
        <translation>die Installation ist gescheitert (Rückgabewert {code}): {words}</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <source>a complete environment</source>
        <translation>eine vollständige Umgebung</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/pip_run.py"/>
        <location filename="../../qgis_plugin/setup/proof.py"/>
        <source>try again; or choose a Python that has PyTorch</source>
        <translation>erneut versuchen; oder ein Python wählen, das PyTorch hat</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/proof.py"/>
        <source>an environment in which the engine captions a tile</source>
        <translation>eine Umgebung, in der die Engine eine Kachel beschreibt</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/proof.py"/>
        <source>the engine does not start in {python} ({ending})</source>
        <translation>die Engine startet in {python} nicht ({ending})</translation>
    </message>
    <message>
        <location filename="../../qgis_plugin/setup/proof.py"/>
        <source>no output</source>
        <translation>ohne eine Meldung</translation>
    </message>
</context>
</TS>
