import {fetch} from 'undici';
import type {Transport} from './sse.ts';

export const transport: Transport = fetch;
