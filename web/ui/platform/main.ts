import { declareLanguage } from '../shared/locale'
import { loadMessages } from '../shared/messages'
import { start } from '../shared/start'
import '../shared/style.css'
import '../shared/light.css'
import App from './App.svelte'
import '../console/console.css'
import '../console/theme.svelte'

declareLanguage()
void start(App, Promise.all([loadMessages('console'), loadMessages('platform')]).then(() => undefined))
