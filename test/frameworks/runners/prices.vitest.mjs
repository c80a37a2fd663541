import {expect, test, vi} from 'vitest';
import {define} from './prices.tests.mjs';

define({expect, test, fake: vi});
