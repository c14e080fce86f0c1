import { mount } from 'svelte'
import { loadMessages } from '../shared/messages'
import '../shared/style.css'
import App from './App.svelte'

await loadMessages()
mount(App, { target: document.getElementById('app')! })
