"""What the plugin does on the map canvas."""
