import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { engineCheck } from '@beit/parity';
import { defineConfig } from 'tsup';
