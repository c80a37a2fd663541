import {expect, jest, test} from '@jest/globals';
import {define} from './prices.tests.mjs';

define({expect, test, fake: jest});
