/* Starts the portal. */
import { createApp } from 'vue'
import App from './App.vue'
import { announceLanguage, i18n } from './i18n/i18n'
import { router } from './router'
import './styles/portal.css'

announceLanguage()
createApp(App).use(i18n).use(router).mount('#app')
