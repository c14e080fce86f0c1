// Makes the types of the HTTP API, compiled/openapi.ts, from web/openapi.yaml.
import { mkdirSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

const types = astToString(await openapiTS(new URL('../openapi.yaml', import.meta.url)))
mkdirSync(new URL('compiled/', import.meta.url), { recursive: true })
writeFileSync(new URL('compiled/openapi.ts', import.meta.url), types)
