/* The portal's pages. Each address is one that the provider serves; the interaction, when the visit
   belongs to a platform's sign-in request, travels along as a query parameter. */
import { createRouter, createWebHistory } from 'vue-router'
import HomePage from './pages/HomePage.vue'
import SignInPage from './pages/SignInPage.vue'

declare module 'vue-router' {
  interface RouteMeta {
    title: string
  }
}

export const router = createRouter({
  history: createWebHistory('/'),
  scrollBehavior: (_to, _from, saved) => saved ?? { left: 0, top: 0 },
  routes: [
    { path: '/', component: HomePage, meta: { title: 'home' } },
    { path: '/sign-in', component: SignInPage, meta: { title: 'sign_in' } },
    {
      path: '/certificate',
      component: () => import('./pages/CertificatePage.vue'),
      meta: { title: 'certificate' },
    },
    {
      path: '/platforms',
      component: () => import('./pages/PlatformsPage.vue'),
      meta: { title: 'platforms' },
    },
    {
      path: '/consent',
      component: () => import('./pages/ConsentPage.vue'),
      meta: { title: 'consent' },
    },
    { path: '/bind', component: () => import('./pages/BindPage.vue'), meta: { title: 'bind' } },
    { path: '/help', component: () => import('./pages/HelpPage.vue'), meta: { title: 'help' } },
    {
      path: '/download',
      component: () => import('./pages/DownloadPage.vue'),
      meta: { title: 'download' },
    },
    {
      path: '/:rest(.*)*',
      component: () => import('./pages/NotFoundPage.vue'),
      meta: { title: 'not_found' },
    },
  ],
})
