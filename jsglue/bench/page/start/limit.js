// A page that needs nothing but the limit.
// @ts-check
import { connectRaw } from '../lanes/limit.js'
import { start } from './ready.js'

start(connectRaw)
