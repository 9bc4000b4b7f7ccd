/* The certificate of the sign-in that this page made. After a reload it is gone, and the certificate
   page shows what the session tells. */
import { shallowRef } from 'vue'
import type { Certificate } from '../api/types'

export const signedInWith = shallowRef<Certificate | null>(null)
