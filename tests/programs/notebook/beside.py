"""A module beside the notebook."""


def counted(folder):
    """How many rows the CSV files below a folder have."""
    return sum(len(file.read_text().splitlines()) - 1 for file in folder.rglob("*.csv"))
