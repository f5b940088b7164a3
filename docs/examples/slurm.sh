#!/bin/bash
# Pre-training on a cluster with Slurm: sbatch docs/examples/slurm.sh, in a clone in which `npm run setup` has been run, on
# a file system that all nodes share. The same command continues what was stopped.
#SBATCH --job-name=beit
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=2G
#SBATCH --time=24:00:00
#SBATCH --output=beit-%j.log
# Five minutes before its time is over the job saves a checkpoint and stops.
#SBATCH --signal=TERM@300
set -euo pipefail

images=${IMAGES:?'the folder of images: sbatch --export=ALL,IMAGES=...,TOKENIZER=... docs/examples/slurm.sh'}
tokenizer=${TOKENIZER:?'the .safetensors file of a dVAE'}
out=${OUT:-$SLURM_SUBMIT_DIR/runs/beit-base}
resume=()
[ ! -e "$out/recipe.json" ] || resume=(--resume)

cd "$SLURM_SUBMIT_DIR/apps/pretrain"
# Slurm gives --cpus-per-task to srun no more by itself. `srun --mpi=list` says what there is in place of pmix.
srun --mpi=pmix --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  node --conditions=@beit/source --import tsx src/main.ts \
  --recipe beit-base-imagenet1k --data "$images" --tokenizer "$tokenizer" --out "$out" \
  --threads "$SLURM_CPUS_PER_TASK" --workers 4 "${resume[@]}"
