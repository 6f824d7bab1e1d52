"""Processing provider ``changescribe``: the engine in the toolbox, batch dialog, modeler and qgis_process."""
