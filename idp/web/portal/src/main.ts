/* Starts the portal. */
import { createApp } from 'vue'
import App from './App.vue'
import { announceLanguage, i18n } from './i18n/i18n'
import { router } from './router'
import './styles/portal.css'

announceLanguage()
/* A page that comes back from the browser's back-forward cache is as old as its session: read anew. */
window.addEventListener('pageshow', (event) => {
  if (event.persisted) window.location.reload()
})

createApp(App).use(i18n).use(router).mount('#app')
