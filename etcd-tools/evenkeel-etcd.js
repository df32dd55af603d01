#!/usr/bin/env node
// The command: in a checkout the program is TypeScript, in the published package JavaScript, since
// Node strips no types below node_modules.
import { existsSync } from 'node:fs';

const published = new URL('./main.js', import.meta.url);
await import(existsSync(published) ? published.href : './main.ts');
