import { declareLanguage } from '../shared/locale'
import { start } from '../shared/start'
import '../shared/style.css'
import App from './App.svelte'
import { loadWords } from './words'

declareLanguage()
void start(App, loadWords('page'))
