// The unified social credit code (GB 32100-2015): 17 characters and one check character over the
// weights 3^i mod 31. The demo's own codes are checked when locks are made, so that a slip in the
// data cannot pass for a refusal of the provider.

const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';

// The check character of the first 17 characters of a code; throws on a foreign character.
export function checkCharacter(code) {
  let sum = 0;
  let weight = 1;
  for (const character of code.slice(0, 17)) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw new Error(`${code}: "${character}" cannot stand in a USCC`);
    sum += value * weight;
    weight = (weight * 3) % 31;
  }
  return ALPHABET[(31 - (sum % 31)) % 31];
}

// Whether a code has 18 characters of the alphabet and the right check character.
export function isValid(code) {
  return /^[0-9A-HJ-NPQRTUWXY]{18}$/.test(code) && checkCharacter(code) === code[17];
}
