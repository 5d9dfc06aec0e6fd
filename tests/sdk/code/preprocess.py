"""Split a CSV with a header into train, validation and test: the label first, no header."""

import argparse
import csv
import pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--input", type=pathlib.Path, required=True)
parser.add_argument("--output", type=pathlib.Path, required=True)
parser.add_argument("--label", required=True)
arguments = parser.parse_args()

with next(arguments.input.glob("*.csv")).open(newline="") as file:
    rows = list(csv.DictReader(file))
print("read", len(rows), "rows")
for part, start in (("train", 0), ("validation", 3), ("test", 4)):
    chosen = [row for number, row in enumerate(rows) if (number % 5 == start if start else number % 5 < 3)]
    with (arguments.output / part / f"{part}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        for row in chosen:
            writer.writerow([row[arguments.label], *(value for name, value in row.items() if name != arguments.label)])
