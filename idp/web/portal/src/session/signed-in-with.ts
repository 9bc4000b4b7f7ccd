/* The certificate that this page's sign-in just showed, until the bidder goes on. After a reload it
   is gone and the certificate page shows what the session tells. */
import { shallowRef } from 'vue'
import type { Certificate } from '../api/types'

export const signedInWith = shallowRef<Certificate | null>(null)
