/*
 * A trust manager signs a list: sees what it is, and what changes, before the PIN is asked for. The
 * signature is put beside the list, to those that are there.
 */
#include "ctl/trust_sign_commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "assistant/origin.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/manager_lock.h"
#include "ctl/terminal.h"
#include "ctl/trust_difference.h"
#include "ctl/trust_files.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_signatures.h"

enum { DAY_SIZE = 32 };

/* What one signing works with. */
struct signing {
    struct ctl *ctl;
    const char *file, *beside;     /* the list, and where its signatures stand */
    struct trust *trust, *against; /* NULL: there is nothing to compare it with */
    struct trust_managers judge;   /* for this issuer; any key will do */
    json_t *document;              /* the signatures so far */
    struct manager_lock *lock;
    unsigned char key[DIGEST_SIZE]; /* the lock's */
    char challenge[TRUST_CHALLENGE_SIZE];
};

static void close_signing(struct signing *s)
{
    manager_lock_close(s->lock);
    json_decref(s->document);
    trust_free(s->against);
    trust_free(s->trust);
}

/* --- for whom ------------------------------------------------------------------------------- */

static int find_issuer(struct signing *s, const struct command_arguments *arguments)
{
    char *why = NULL;
    const char *issuer = arguments->options[OPTION_ISSUER];
    if (issuer == NULL) {
        enum idp_err err = config_load(arguments->settings, &why, &s->ctl->config);
        if (err != IDP_OK)
            return ctl_complain_why(why, err);
        issuer = s->ctl->config.issuer;
    }
    if (!origin_is_well_formed(issuer))
        return ctl_complain("--issuer: expected scheme://host[:port] and nothing behind it");
    s->judge = (struct trust_managers){.origin = issuer, .any_key = true};
    return 0;
}

/* --- the signatures that are there ---------------------------------------------------------- */

static json_t *new_document(void)
{
    return json_pack("{s:s, s:[]}", "format", "tamga-trust-signatures:1", "signatures");
}

/* Signatures of another text would never count: whoever changed the list has to see to them. */
static int refuse_strange(const struct signing *s, const struct trust_signature_list *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].fault == TRUST_OTHER_LIST)
            return ctl_complain("%s: signatures[%zu] was given for another text of the list; put "
                                "the file away before this text is signed",
                                s->beside, i);
    return 0;
}

static int judge(const struct signing *s, const char *text, size_t len,
                 struct trust_signature_list *out)
{
    char *why = NULL;
    const struct trust_signatures document = {s->beside, text, len};
    enum idp_err err = trust_signatures_judge(&s->judge, &document, s->trust, &why, out);
    return err == IDP_OK ? 0 : ctl_complain_why(why, err);
}

static int read_document(struct signing *s)
{
    struct trust_signatures text;
    struct trust_signature_list all = {.count = 0};
    if (access(s->beside, F_OK) != 0 && errno == ENOENT) {
        s->document = new_document();
        return s->document != NULL ? 0 : ctl_complain_of(IDP_FAULT);
    }
    int code = trust_files_signatures(s->ctl, s->beside, &text);
    if (code == 0)
        code = judge(s, text.text, text.len, &all);
    if (code == 0)
        code = refuse_strange(s, &all);
    if (code == 0)
        s->document = json_loadb(text.text, text.len, 0, NULL);
    return code == 0 && s->document == NULL ? ctl_complain_of(IDP_FAULT) : code;
}

/* --- what is shown -------------------------------------------------------------------------- */

static const char *key_name(const struct signing *s)
{
    char name[BASE64URL_LEN(DIGEST_SIZE) + 1];
    base64url_encode(s->key, DIGEST_SIZE, name);
    return arena_strdup(s->ctl->arena, name);
}

/* Where the settings are known, it can be said whether the signature will count. */
static bool is_known_stranger(const struct signing *s)
{
    const struct trust_managers *managers = &s->ctl->config.managers;
    for (size_t i = 0; i < managers->count; i++)
        if (memcmp(managers->keys[i], s->key, DIGEST_SIZE) == 0)
            return false;
    return managers->count > 0;
}

static int say_what_is_signed(const struct signing *s)
{
    const struct trust *trust = s->trust;
    const char *key = key_name(s);
    if (key == NULL)
        return ctl_complain_of(IDP_FAULT);
    terminal_say("trust list  %s", s->file);
    terminal_say("version     %s", trust->version);
    terminal_say("number      %lld", (long long)trust->number);
    terminal_say("for         %s", s->judge.origin);
    terminal_say("lock        %s, key %s", manager_lock_label(s->lock), key);
    if (is_known_stranger(s))
        terminal_say("attention   this key is no trust manager's by the settings");
    if (s->against != NULL)
        terminal_say("against number %lld, version %s:", (long long)s->against->number,
                     s->against->version);
    else
        terminal_say("compared with nothing (--against FILE); it names %zu authorities:",
                     trust->count);
    if (s->against != NULL && s->against->number >= trust->number)
        terminal_say("attention   the number is not a higher one: no provider will load it");
    return trust_difference_say(s->against, trust);
}

/* --- signing -------------------------------------------------------------------------------- */

static int find_lock(struct signing *s, const struct command_arguments *arguments)
{
    size_t len = 0;
    enum trust_fault fault = TRUST_NO_FAULT;
    const struct manager_lock_wanted wanted = {.assistant = arguments->options[OPTION_ASSISTANT],
                                               .name = arguments->options[OPTION_LOCK],
                                               .pin_file = arguments->options[OPTION_PIN_FILE]};
    s->lock = manager_lock_open(s->ctl, &wanted);
    if (s->lock == NULL)
        return CTL_FAILED;
    const unsigned char *der = manager_lock_certificate(s->lock, &len);
    enum idp_err err = trust_signatures_key(der, len, &fault, s->key);
    if (err == IDP_OK)
        err = trust_signatures_challenge(s->trust, der, len, &fault, s->challenge);
    if (err == IDP_REFUSED)
        return ctl_complain("%s: %s", manager_lock_label(s->lock), trust_fault_text(fault));
    return err == IDP_OK ? 0 : ctl_complain_of(err);
}

/* The document with one more signature as a text, the caller's, after looking at it once more: the
 * lock may have signed something else, and no key signs twice. */
static int check_document(const struct signing *s, char **out)
{
    struct trust_signature_list all = {.count = 0};
    char *text = json_dumps(s->document, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (text == NULL)
        return ctl_complain_of(IDP_FAULT);
    int code = judge(s, text, strlen(text), &all);
    enum trust_fault fault = code == 0 ? all.list[all.count - 1].fault : TRUST_NO_FAULT;
    if (fault != TRUST_NO_FAULT)
        code = ctl_complain("%s: %s", manager_lock_label(s->lock), trust_fault_text(fault));
    if (code == 0)
        *out = text;
    else
        free(text);
    return code;
}

/* Before the PIN is asked for. */
static int refuse_second(const struct signing *s)
{
    struct trust_signature_list all = {.count = 0};
    char *text = json_dumps(s->document, 0);
    int code = text != NULL ? judge(s, text, strlen(text), &all) : ctl_complain_of(IDP_FAULT);
    free(text);
    for (size_t i = 0; code == 0 && i < all.count; i++)
        if (all.list[i].has_key && all.list[i].fault != TRUST_OTHER_ORIGIN &&
            memcmp(all.list[i].key, s->key, DIGEST_SIZE) == 0)
            code =
                ctl_complain("%s: signatures[%zu]: the same key has signed already", s->beside, i);
    if (code == 0 && all.count == TRUST_SIGNATURES_MAX)
        code = ctl_complain("%s: there is no room for one more signature", s->beside);
    return code;
}

static int add_signature(struct signing *s)
{
    json_t *answer = NULL;
    int code = manager_lock_sign(s->lock, s->judge.origin, s->challenge, &answer);
    if (code != 0)
        return code;
    json_t *entry = json_pack("{s:s, s:s, s:o}", "origin", s->judge.origin, "challenge",
                              s->challenge, "answer", answer);
    return json_array_append_new(json_object_get(s->document, "signatures"), entry) == 0
               ? 0
               : ctl_complain_of(IDP_FAULT);
}

static int complain_of_writing(const char *file)
{
    char says[128];
    return ctl_complain("cannot write %s: %s", file,
                        strerror_r(errno, says, sizeof(says)) == 0 ? says : "unknown error");
}

/* In one step: what is there stays whole when something goes wrong. Managers may share the folder,
 * and nobody chooses for them which file is written. */
static int write_document(const struct signing *s, const char *text)
{
    const char *fresh = arena_printf(s->ctl->arena, "%s.new", s->beside);
    if (fresh == NULL)
        return ctl_complain_of(IDP_FAULT);
    (void)unlink(fresh); /* of a signing that was broken off */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL)
        return complain_of_writing(fresh);
    bool good = fprintf(out, "%s\n", text) > 0 && fflush(out) == 0 && fsync(fd) == 0;
    good = fclose(out) == 0 && good;
    return good && rename(fresh, s->beside) == 0 ? 0 : complain_of_writing(s->beside);
}

static json_t *describe(const struct signing *s)
{
    struct object o = object_new();
    object_text(&o, "signatures", s->beside);
    object_number(&o, "count",
                  (json_int_t)json_array_size(json_object_get(s->document, "signatures")));
    object_number(&o, "number", s->trust->number);
    object_text(&o, "version", s->trust->version);
    object_text(&o, "issuer", s->judge.origin);
    object_text(&o, "key_hash", key_name(s));
    return object_done(&o);
}

static int sign_it(struct signing *s)
{
    char *text = NULL;
    int code = refuse_second(s);
    if (code == 0)
        code = say_what_is_signed(s);
    if (code == 0)
        code = add_signature(s);
    if (code == 0)
        code = check_document(s, &text);
    if (code == 0)
        code = write_document(s, text);
    free(text);
    return code == 0 ? answer(describe(s)) : code;
}

static int prepare(struct signing *s, const struct command_arguments *arguments)
{
    const char *against = arguments->options[OPTION_AGAINST];
    if (strcmp(s->file, "-") == 0)
        return ctl_complain("the list has to be a file: its signatures are put beside it");
    s->beside = trust_files_beside(s->ctl, s->file);
    int code = s->beside != NULL ? find_issuer(s, arguments) : ctl_complain_of(IDP_FAULT);
    if (code == 0)
        code = trust_files_read(s->ctl, s->file, &s->trust);
    if (code == 0 && against != NULL)
        code = trust_files_read(s->ctl, against, &s->against);
    if (code == 0)
        code = read_document(s);
    return code == 0 ? find_lock(s, arguments) : code;
}

static int sign(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct signing s = {.ctl = ctl, .file = arguments->words[0]};
    int code = prepare(&s, arguments);
    if (code == 0 && s.trust != NULL)
        code = sign_it(&s);
    close_signing(&s);
    return code;
}

static int list_locks(struct ctl *ctl, const struct command_arguments *arguments)
{
    json_t *list = manager_locks_list(ctl, arguments->options[OPTION_ASSISTANT]);
    return list != NULL ? answer(list) : CTL_FAILED;
}

const struct command trust_sign_commands[] = {
    {"sign", {"FILE"}, "a trust manager signs the list with a lock", sign},
    {"locks", {NULL}, "the locks that are plugged in, and what their keys are called", list_locks},
    {NULL, {NULL}, NULL, NULL},
};
