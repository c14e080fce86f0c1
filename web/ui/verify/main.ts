import { start } from '../shared/start'
import '../shared/style.css'
import App from './App.svelte'

void start(App)
