"""What every surface shares: run options and output columns, each declared once. Standard library only, Python 3.9 (QGIS imports it)."""
