export * as roulette from './types.js'
