export * as baccarat from './types.js'
