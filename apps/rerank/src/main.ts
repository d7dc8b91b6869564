import { serve } from '@xim/server';
import app from './app.ts';

await serve(app);
