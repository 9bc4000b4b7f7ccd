/*
 * A TEST DOUBLE: SoftHSM2's PKCS#11 library with faults that it cannot have itself. The variable
 * TAMGA_PKCS11_FAULT names one: blocked, last_try (as the token's flags), locked (what C_Login
 * answers), removed (what C_Sign answers), swapped (another token is in the slot), long (C_Sign
 * tells a length beyond the buffer), failing (nothing works).
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST faulty;
static CK_FUNCTION_LIST *real;

static int is(const char *fault)
{
    const char *wanted = getenv("TAMGA_PKCS11_FAULT"); /* NOLINT(concurrency-mt-unsafe) */
    return wanted != NULL && strcmp(wanted, fault) == 0;
}

static CK_RV initialise(void *arguments)
{
    return is("failing") ? CKR_FUNCTION_FAILED : real->C_Initialize(arguments);
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = real->C_GetTokenInfo(slot, info);
    if (is("blocked"))
        info->flags |= CKF_USER_PIN_LOCKED;
    if (is("last_try"))
        info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (is("swapped"))
        memset(info->serialNumber, '9', sizeof(info->serialNumber));
    return rv;
}

static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
    if (is("locked"))
        return CKR_PIN_LOCKED;
    return real->C_Login(session, user, pin, len);
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_len,
                  unsigned char *out, CK_ULONG *out_len)
{
    if (is("removed"))
        return CKR_DEVICE_REMOVED;
    CK_RV rv = real->C_Sign(session, data, data_len, out, out_len);
    if (is("long"))
        *out_len = 1UL << 20;
    return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
    void *address = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_C_GetFunctionList get = NULL;
    memcpy(&get, &address, sizeof(get));
    if (get == NULL || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    faulty = *real;
    faulty.C_Initialize = initialise;
    faulty.C_GetTokenInfo = token_info;
    faulty.C_Login = log_in;
    faulty.C_Sign = sign;
    *list = &faulty;
    return CKR_OK;
}
