import { mount } from 'svelte'
import { declareLanguage } from '../shared/locale'
import { loadMessages } from '../shared/messages'
import '../shared/style.css'
import App from './App.svelte'

declareLanguage()
await loadMessages()
mount(App, { target: document.getElementById('app')! })
