"""BEiT's loading in PyTorch: JPEG files to augmented two-view batches with masks.

Usage: peer.py FOLDER VARIANT WORKERS BATCH_SIZE SECONDS; prints one JSON object.
The transform is that of DataAugmentationForBEiT in microsoft/unilm, beit/datasets.py: colour jitter, mirroring, one
random crop in two sizes (224 bicubic, 112 Lanczos), tensors, normalization, a blockwise mask. VARIANT says what does it:
  pil     Pillow's images, as the official code
  tensor  torchvision's own JPEG decoder and transforms.v2 on tensors
"""

import json
import os
import sys
import time

import PIL
import torch
import torchvision
from blockwise_masking import BlockwiseMasking
from PIL import Image
from torch.utils.data import DataLoader, default_collate
from torchvision import transforms
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import InterpolationMode, functional, v2


# Before that, caches are cold and workers are being started.
WARM_UP_SECONDS = 2


def pil_image(path):
    with open(path, "rb") as file:
        return Image.open(file).convert("RGB")


def tensor_image(path):
    return decode_jpeg(read_file(path), ImageReadMode.RGB)


class TwoViews:
    def __init__(self, jitter, flip, resized_crop, to_float):
        self.jitter = jitter(0.4, 0.4, 0.4)
        self.flip = flip(0.5)
        self.resized_crop = resized_crop
        self.to_float = to_float
        self.normalize = transforms.Normalize([0.5] * 3, [0.5] * 3)
        self.mask = BlockwiseMasking(14, 14, 75, 16)

    def __call__(self, image):
        image = self.flip(self.jitter(image))
        box = transforms.RandomResizedCrop.get_params(image, (0.08, 1.0), (3 / 4, 4 / 3))
        large = self.resized_crop(image, *box, [224, 224], InterpolationMode.BICUBIC)
        small = self.resized_crop(image, *box, [112, 112], InterpolationMode.LANCZOS)
        return self.normalize(self.to_float(large)), self.to_float(small), torch.from_numpy(self.mask())


VARIANTS = {
    "pil": (
        pil_image,
        TwoViews(transforms.ColorJitter, transforms.RandomHorizontalFlip, functional.resized_crop, transforms.ToTensor()),
    ),
    "tensor": (
        tensor_image,
        TwoViews(
            v2.ColorJitter,
            v2.RandomHorizontalFlip,
            v2.functional.resized_crop,
            v2.ToDtype(torch.float32, scale=True),
        ),
    ),
}


def collate(samples):
    """A batch, and how much work the process that made it has done."""
    return default_collate(samples), os.getpid(), time.process_time()


def main():
    folder, variant = sys.argv[1:3]
    workers, batch_size = (int(text) for text in sys.argv[3:5])
    seconds = float(sys.argv[5])
    # DataLoader's workers have one thread each; without workers this process does all, on one core.
    torch.set_num_threads(1)
    load, transform = VARIANTS[variant]
    start = time.perf_counter()
    dataset = torchvision.datasets.ImageFolder(folder, transform, loader=load)
    seconds_to_names = time.perf_counter() - start
    # A long epoch, since workers stand still between two.
    if len(dataset.samples) < 100_000:
        dataset.samples *= 100
    loader = DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        collate_fn=collate,
        persistent_workers=workers > 0,
    )

    worked = {}

    def batches():
        while True:
            for batch, process, work in loader:
                worked[process] = work
                yield batch

    source = batches()

    def load_for(duration):
        before = {**worked, os.getpid(): time.process_time()}
        images, start = 0, time.perf_counter()
        while time.perf_counter() - start < duration:
            images += len(next(source)[0][0])
        elapsed = time.perf_counter() - start
        after = {**worked, os.getpid(): time.process_time()}
        work = sum(after[process] - before.get(process, 0) for process in after)
        return images / elapsed, images / work

    next(source)
    seconds_to_first_batch = time.perf_counter() - start
    load_for(WARM_UP_SECONDS)
    per_second, per_core_second = load_for(seconds)
    report = {
        "imagesPerSecond": per_second,
        "imagesPerCoreSecond": per_core_second,
        "secondsToNames": seconds_to_names,
        "secondsToFirstBatch": seconds_to_first_batch,
        "versions": {
            "Python": sys.version.split()[0],
            "PyTorch": torch.__version__,
            "torchvision": torchvision.__version__,
            "Pillow": PIL.__version__,
        },
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
