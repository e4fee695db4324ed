import { render } from 'solid-js/web'
import { App } from './app.tsx'
import { listenToKeys } from './shell/keyboard.ts'
import './style/tokens.css'
import './style/ui.css'
import './style/shell.css'

listenToKeys()
render(() => <App />, document.getElementById('root')!)
