import './style/tokens.css'
import './style/ui.css'
import './style/shell.css'

import { render } from 'solid-js/web'
import { App } from './app.tsx'
import { listenToKeys } from './shell/keyboard.ts'

listenToKeys()
render(() => <App />, document.getElementById('root')!)
