"""Data sets other people published, each read as it is downloaded, behind one interface (`registry.py`)."""
