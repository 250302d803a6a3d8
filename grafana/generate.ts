import { writeFileSync } from 'node:fs';
import { renderDashboard } from './render.ts';

/** Writes the dashboard: `npm run generate`. */
writeFileSync(new URL('dashboard.json', import.meta.url), renderDashboard());
