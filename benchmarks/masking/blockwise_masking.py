"""BEiT's blockwise masking in Python.

The algorithm of microsoft/unilm, beit/masking_generator.py, done as it is there: Python's own random numbers, a NumPy
grid, cells one by one.
"""

import math
import random

import numpy


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
            if width < self.columns and height < self.rows:
                top = random.randint(0, self.rows - height)
                left = random.randint(0, self.columns - width)
                already = mask[top : top + height, left : left + width].sum()
                if 0 < height * width - already <= cap:
                    for row in range(top, top + height):
                        for column in range(left, left + width):
                            if mask[row, column] == 0:
                                mask[row, column] = 1
                                added += 1
                if added > 0:
                    break
        return added

    def __call__(self):
        mask = numpy.zeros((self.rows, self.columns), dtype=int)
        masked = 0
        while masked < self.count:
            added = self.place_block(mask, self.count - masked)
            if added == 0:
                break
            masked += added
        return mask
