import { BrochError } from '../lib/error.js'
import type { Transport } from './transport.js'
export const fuseNativeTransport: Transport = { name: 'fuse-native', serve: () => Promise.reject(new BrochError('UNSUPPORTED', 'not yet')) }
