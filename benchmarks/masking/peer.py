"""BEiT's blockwise masking in Python, as the yardstick of main.ts.

Written from the published description (paper, section 2.3, and the rules of the released generator) the way that
one is written: Python's own random numbers, a NumPy grid when NumPy is there (lists otherwise), cells one by one.
Usage: peer.py SECONDS ROWS COLUMNS COUNT MIN_PATCHES; prints masks per second.
"""

import math
import random
import sys
import time

try:
    import numpy
except ImportError:
    numpy = None


class BlockwiseMasking:
    def __init__(self, rows, columns, count, min_patches, min_aspect=0.3, attempts=10):
        self.rows = rows
        self.columns = columns
        self.count = count
        self.min_patches = min_patches
        self.log_aspects = (math.log(min_aspect), math.log(1 / min_aspect))
        self.attempts = attempts

    def place_block(self, mask, cap):
        added = 0
        for _ in range(self.attempts):
            area = random.uniform(self.min_patches, cap)
            aspect = math.exp(random.uniform(*self.log_aspects))
            height = int(round(math.sqrt(area * aspect)))
            width = int(round(math.sqrt(area / aspect)))
            if width >= self.columns or height >= self.rows:
                continue
            top = random.randint(0, self.rows - height)
            left = random.randint(0, self.columns - width)
            if numpy is not None:
                already = mask[top : top + height, left : left + width].sum()
            else:
                already = sum(sum(row[left : left + width]) for row in mask[top : top + height])
            if 0 < height * width - already <= cap:
                for row in range(top, top + height):
                    for column in range(left, left + width):
                        if mask[row][column] == 0:
                            mask[row][column] = 1
                            added += 1
            if added > 0:
                break
        return added

    def __call__(self):
        if numpy is not None:
            mask = numpy.zeros((self.rows, self.columns), dtype=int)
        else:
            mask = [[0] * self.columns for _ in range(self.rows)]
        masked = 0
        while masked < self.count:
            added = self.place_block(mask, self.count - masked)
            if added == 0:
                break
            masked += added
        return mask


def main():
    seconds = float(sys.argv[1])
    make = BlockwiseMasking(*(int(value) for value in sys.argv[2:6]))
    random.seed(0)
    for _ in range(200):
        make()
    masks = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(100):
            make()
        masks += 100
    print(masks / (time.perf_counter() - start))


main()
