// Takes over the page that the server sent: reads its data block and mounts the page's component.
import { mount, type Component } from 'svelte'
import './style.css'
import App from './App.svelte'
import { keep } from './lib/adopt'
import { readData, type PageData } from './lib/data'

const target = document.getElementById('app')
if (target) {
  keep(target)
  target.replaceChildren()
  mount(App as Component<{ data: PageData }>, { target, props: { data: readData() } })
}
