import { Agent } from 'undici'
import { asking } from '../ask.ts'

export const ask = asking(new Agent({ connections: 64, headersTimeout: 0, bodyTimeout: 0 }))
