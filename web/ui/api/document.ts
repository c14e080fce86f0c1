// What the page reads of the OpenAPI document.

export interface Schema {
  $ref?: string
  type?: string | string[]
  description?: string
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  oneOf?: Schema[]
  allOf?: Schema[]
}

export interface Media {
  schema: Schema
  example?: unknown
}

export interface Parameter {
  $ref?: string
  name: string
  in: string
  required?: boolean
  description?: string
  example?: unknown
  schema: Schema
}

export interface Answer {
  $ref?: string
  description: string
  content?: Record<string, Media>
}

export interface Operation {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  'x-scope'?: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, Answer>
}

export interface Document {
  info: { title: string; version: string; description: string }
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Operation>>
  webhooks: Record<string, Record<string, Operation>>
}

/** Returns what a part of the document refers to, or the part itself. */
export function resolve<T extends { $ref?: string }>(doc: Document, part: T): T {
  if (!part.$ref) return part
  const at = part.$ref
    .slice(2)
    .split('/')
    .reduce<unknown>((o, name) => (o as Record<string, unknown>)[name], doc)
  return resolve(doc, at as T)
}

/** Writes a schema as a type that people can read. */
export function typeOf(doc: Document, schema: Schema, indent = ''): string {
  const s = resolve(doc, schema)
  if (s.const !== undefined) return JSON.stringify(s.const)
  if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(' | ')
  if (s.oneOf) return s.oneOf.map((x) => typeOf(doc, x, indent)).join(' | ')
  if (s.allOf) return typeOf(doc, s.allOf[0]!, indent)
  if (s.type === 'array') return `[${typeOf(doc, s.items ?? {}, indent)}, …]`
  if (s.properties) {
    const inner = `${indent}  `
    const members = Object.entries(s.properties).map(([name, of]) => {
      const says = of.description ?? resolve(doc, of).description
      return `${inner}${name}${s.required?.includes(name) ? '' : '?'}: ${typeOf(doc, of, inner)}${says ? `  // ${says}` : ''}`
    })
    return `{\n${members.join('\n')}\n${indent}}`
  }
  return [s.type ?? 'any'].flat().join(' | ')
}

/** Returns the codes that a problem can have. */
export function codesOf(answer: Answer): string[] {
  const schema = answer.content?.['application/problem+json']?.schema
  return (schema?.allOf?.[1]?.properties?.code?.enum ?? []).map(String)
}

/** Writes an operation as a command for a shell. */
export function curlOf(doc: Document, method: string, path: string, op: Operation, origin: string): string {
  const at = (op.parameters ?? []).map((p) => resolve(doc, p)).filter((p) => p.in === 'path')
  const url = at.reduce((text, p) => text.replace(`{${p.name}}`, encodeURIComponent(String(p.example ?? p.name))), path)
  const words = [`curl -X ${method.toUpperCase()} '${origin}${url}'`]
  if (op['x-scope']) words.push(`-H "Authorization: Bearer $TOKEN"`)
  const body = op.requestBody?.content['application/json']?.example
  if (body) words.push(`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`)
  return words.join(' \\\n  ')
}
