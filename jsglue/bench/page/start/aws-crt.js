// A page that needs nothing but aws-crt.
// @ts-check
import { connectAwsCrt } from '../lanes/aws-crt.js'
import { start } from './ready.js'

start(connectAwsCrt)
