// @ts-expect-error: the package has no types.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import 'swagger-ui-dist/swagger-ui.css'
import '../shared/tokens.css'
import './style.css'

/** What a plugin is given of the viewer. */
interface System {
  React: { createElement(of: unknown, props: object, ...children: unknown[]): unknown }
  fn: { jsonSchema202012: { useFn(): { getTitle(schema: unknown): string } } }
}

const none = () => null

/** What the viewer shows otherwise. */
const plugin = {
  components: {
    ServersContainer: none, // the only server is the one that the page is from
    JsonSchemaDialect: none, // a warning about a dialect that it reads all the same
    License: none, // a link to a page that does not exist
    AuthorizeBtnContainer: none, // nothing is sent from here: no tokens, and no fields to fill in
    authorizeOperationBtn: none,
    JsonSchemaForm: none,
    CopyToClipboardBtn: none, // a button for the path, too small for a finger
    DeepLink: (props: { text: unknown }) => props.text, // a link in a button is none to a keyboard; the address says what is open all the same
  },
  wrapComponents: {
    InfoContainer: (original: unknown, { React }: System) => (props: object) => React.createElement('header', { role: 'banner' }, React.createElement(original, props)),
    // The button that opens a schema is named by its title, which not every schema has.
    JSONSchema202012KeywordTitle: (original: unknown, { React, fn }: System) => (props: { title?: unknown; schema: unknown }) =>
      React.createElement(original, { ...props, title: props.title || fn.jsonSchema202012.useFn().getTitle(props.schema) || 'schema' }),
  },
}

SwaggerUI({
  dom_id: '#app',
  url: 'v1/openapi.json',
  plugins: [plugin],
  deepLinking: true,
  showExtensions: true,
  supportedSubmitMethods: [], // a page to read: no click moves money
  validatorUrl: null, // or somebody else's server would be asked
})
