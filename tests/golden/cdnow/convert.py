"""CDNOW's 1/10 sample as CSV.

usage: python3 convert.py CDNOW_sample.txt transactions.csv
"""

import csv
import sys


def main(source, target):
    with open(source, encoding="ascii") as lines, open(target, "w", newline="", encoding="ascii") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["id", "date", "n", "amt"])
        for line in lines:
            # master id, id within the sample, day, CDs bought, dollars
            _, customer, day, cds, dollars = line.split()
            writer.writerow([int(customer), f"{day[:4]}-{day[4:6]}-{day[6:]}", int(cds), dollars])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
