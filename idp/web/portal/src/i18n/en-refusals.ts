/* The refusals' words in English; the type demands every one of them. */
import type { Words } from './zh'

export const enRefusals: Words['refusals'] = {
  assistant: {
    not_running: {
      message: 'The certificate assistant cannot be reached',
      next: 'Make sure that the assistant is installed, and start it from your list of applications\nThen press “Try again”\nIf it is not installed yet, download it first',
    },
    too_old: {
      message:
        'The certificate assistant is too old (installed: {version}, needed: {minimum} or later)',
      next: 'Download and install the new version, then press “Try again”.',
    },
    slow: {
      message: 'The certificate assistant did not answer in time',
      next: 'Close any window that the assistant has opened, unplug and plug in the lock, and read it again. If that does not help, restart the assistant.',
    },
    permission_denied: {
      message: 'The browser does not let this site reach the certificate assistant',
      next: 'Click the icon to the left of the address and open the site settings\nSet “Apps on device” or “Local network” to “Allow”\nCome back here and press “Try again”; on a managed computer, ask your administrator',
    },
    forbidden: {
      message: 'The certificate assistant is running but does not accept this site',
      next: 'Check that the address bar shows the official address of this service\nIf it does, reinstall the assistant from this site: its settings carry the right address',
    },
    no_lock: {
      message: 'No CA lock was found',
      next: 'Make sure that the lock is plugged in; reinstall the assistant and the lock’s driver, then press “Try again”\nTry another computer\nIf it is still not found, ask the CA that issued the lock to check it',
    },
    several_locks: {
      message: 'Several CA locks were found and none is chosen',
      next: 'Choose one from the list, or leave only one plugged in and read again.',
    },
    lock_not_found: {
      message: 'The lock that you chose is no longer there',
      next: 'It may have been moved or replaced. Read again and choose once more.',
    },
    removed: {
      message: 'The CA lock was removed half-way',
      next: 'Plug it back in, wait until its light is steady, and read it again.',
    },
    pin_wrong: {
      message: 'The PIN is wrong; {tries} tries are left',
      next: 'Check it, including upper and lower case, and enter it again. The lock blocks itself when no try is left. If you have forgotten the PIN, stop here and ask the issuing CA to reset it.',
    },
    pin_wrong_last: {
      message: 'The PIN is wrong; only 1 try is left',
      next: 'One more mistake would block this lock, so the assistant accepts no further try. Call the issuing CA to confirm or reset the PIN.',
    },
    pin_wrong_uncounted: {
      message: 'The PIN is wrong',
      next: 'Check it and enter it again. Repeated mistakes block the lock. If you have forgotten the PIN, ask the issuing CA to reset it.',
    },
    pin_blocked: {
      message: 'The lock’s PIN is blocked',
      next: 'All tries are used up. Only the CA that issued this lock can unblock it or reset the PIN; have your company’s papers at hand when you call.',
    },
    pin_required: {
      message: 'Please enter the lock’s PIN',
      next: 'Type the PIN into the field, then press the button again.',
    },
    pin_page_refused: {
      message: 'The assistant on this computer does not take a PIN from a web page',
      next: 'Press “Try again” to read the lock once more, then enter the PIN in the assistant’s own window.',
    },
    pin_last_try: {
      message: 'Only one try is left for the PIN, and the assistant does not offer it',
      next: 'One more mistake blocks the lock. Call the CA that issued it to confirm or reset the PIN first.',
    },
    no_prompt: {
      message: 'The assistant cannot open its window for the PIN',
      next: 'Restart the assistant and press “Try again”. If that does not help, install it anew.',
    },
    fault: {
      message: 'The certificate assistant failed',
      next: 'Restart the assistant and press “Try again”. If that does not help, install it anew or call support.',
    },
    cancelled: {
      message: 'You cancelled in the certificate assistant',
      next: 'Nothing was submitted. Press the button again whenever you want to go on.',
    },
    busy: {
      message: 'The certificate assistant is busy with something else',
      next: 'Finish or close its open window and other sign-in pages, then press “Try again”.',
    },
    bad_challenge: {
      message: 'The certificate assistant did not accept this request to sign',
      next: 'Reload the page and start again. If it happens again, update the assistant.',
    },
    unsuitable: {
      message: 'This lock holds no signing certificate that could be used',
      next: 'Make sure that it is an enterprise lock and not a medium with an encryption certificate only\nUse another enterprise lock, or have the issuing CA check this one',
    },
    driver: {
      message: 'The lock’s driver is in trouble',
      next: 'Unplug the lock, wait a few seconds, plug it in and press “Try again”\nReinstall the lock’s driver and the assistant, and restart the computer\nIf that does not help, try another computer or call the issuing CA',
    },
    bad_request: {
      message: 'The certificate assistant does not understand this page',
      next: 'Page and assistant may be of different versions: reload the page. If it happens again, update the assistant.',
    },
    unknown: {
      message: 'The certificate assistant gave an answer that this page does not know',
      next: 'Restart the assistant and try again. If it happens again, update it or call support.',
    },
  },
  page: {
    offline: {
      message: 'The server cannot be reached at the moment',
      next: 'Check your network connection and try again shortly.',
    },
    address: {
      message: 'The platform’s return address is not safe, so you were not sent there',
      next: 'Please tell the platform or our support.',
    },
    fault: {
      message: 'Something unexpected happened on this page',
      next: 'Reload the page and try again. If it happens again, call support and mention the code.',
    },
    no_interaction: {
      message: 'There is no sign-in request to work on',
      next: 'Start again from the platform’s sign-in button or from our list of platforms.',
    },
    framed: {
      message: 'This page cannot be used inside another page',
      next: 'Please open this site in a window of its own.',
    },
  },
  server: {
    unavailable: {
      message: 'The service is not available at the moment',
      next: 'Please try again in a minute or two. Your company’s record is not affected.',
    },
    fault: {
      message: 'The server could not handle this request',
      next: 'Please try again. If it happens again, call support and mention the code.',
    },
  },
}
