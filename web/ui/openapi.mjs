// Makes the types of the HTTP APIs, compiled/openapi.ts and compiled/openapi-platform.ts, from web/openapi.yaml and web/openapi-platform.yaml.
import { mkdirSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

mkdirSync(new URL('compiled/', import.meta.url), { recursive: true })
for (const api of ['openapi', 'openapi-platform']) {
  const types = astToString(await openapiTS(new URL(`../${api}.yaml`, import.meta.url)))
  writeFileSync(new URL(`compiled/${api}.ts`, import.meta.url), types)
}
