#include "pki/reasons.h"

/* The next step that ends many of them. */
#define CALL_ZH "请联系签发机构{authority_zh}（电话 {phone}）"
#define CALL_EN "contact the issuing authority, {authority_en} (phone {phone})"

const struct reason pki_reasons[PKI_REASONS] = {
    [PKI_SHAPE] =
        {
            .code = "lock.shape",
            .status = 400,
            .operator_note = "the assistant's answer or the certificate in it is malformed",
            .action = "retry",
            .zh = "无法读取证书助手返回的数据。",
            .zh_next = "请刷新页面后重试；若仍然如此，请更新证书助手。",
            .en = "The answer of the certificate assistant could not be read.",
            .en_next = "Reload the page and try again; if it happens again, update the assistant.",
        },
    [PKI_ALGORITHM] =
        {
            .code = "lock.algorithm",
            .status = 403,
            .operator_note = "the kind of key is not supported, or the algorithm is not the key's",
            .zh = "不支持此CA锁的密钥类型或签名算法。",
            .zh_next = "请使用 RSA、P-256 或 SM2 密钥的CA锁，并确认证书助手为最新版本。",
            .en = "The lock's kind of key, or the way it signs, is not supported.",
            .en_next =
                "Use a lock with an RSA, P-256 or SM2 key, and check that the assistant is up "
                "to date.",
        },
    [PKI_NOT_ACCEPTED] =
        {
            .code = "lock.not_accepted",
            .status = 403,
            .operator_note =
                "the signature is not that of the certificate's key over this question",
            .action = "retry",
            .zh = "未能确认您持有此CA锁。",
            .zh_next = "请重新插入CA锁，刷新页面后再试一次。",
            .en = "It could not be confirmed that you hold this lock.",
            .en_next = "Plug the lock in again, reload the page and try once more.",
        },
    [PKI_AUTHORITY_UNKNOWN] =
        {
            .code = "lock.authority_unknown",
            .status = 403,
            .operator_note = "the issuer is not in the trust list",
            .zh = "本系统不认可此CA锁的签发机构。",
            .zh_next = "请使用已互认的签发机构签发的CA锁，名单见帮助页。",
            .en = "Locks of this certification authority are not recognised here.",
            .en_next = "Use a lock of one of the recognised authorities; the help page lists them.",
        },
    [PKI_WEAK] =
        {
            .code = "lock.weak",
            .status = 403,
            .operator_note = "key too short, exponent too small, or signed with a broken hash",
            .action = "call",
            .zh = "此CA锁的密钥或证书签名强度不足，不能使用。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The lock's key or its certificate's signature is too weak to be used.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_ENCRYPTION_CERTIFICATE] =
        {
            .code = "lock.encryption_certificate",
            .status = 403,
            .operator_note = "an encryption certificate was presented",
            .action = "retry",
            .zh = "读取到的是加密证书，不能用于登录。",
            .zh_next = "请在证书助手中选择同一把CA锁里的签名证书，然后重试。",
            .en = "This is the lock's encryption certificate, which cannot be used to sign in.",
            .en_next = "Choose the signature certificate on the same lock and try again.",
        },
    [PKI_PERSONAL] =
        {
            .code = "lock.personal",
            .status = 403,
            .operator_note = "a personal lock",
            .zh = "这是个人锁，本系统只接受企业锁。",
            .zh_next = "请插入企业锁后重新登录。",
            .en = "This is a personal lock; only enterprise locks are accepted here.",
            .en_next = "Plug in the enterprise lock and sign in again.",
        },
    [PKI_LEGAL_PERSON] =
        {
            .code = "lock.legal_person",
            .status = 403,
            .operator_note = "a legal person's lock",
            .zh = "这是法人锁，本系统只接受企业锁。",
            .zh_next = "请插入企业锁后重新登录。",
            .en = "This is a legal representative's lock; only enterprise locks are accepted here.",
            .en_next = "Plug in the enterprise lock and sign in again.",
        },
    [PKI_OTHER_REGION] =
        {
            .code = "lock.other_region",
            .status = 403,
            .operator_note = "issued for another region",
            .zh = "此CA锁由{authority_zh}在其他地区签发，本系统只认可在本地区签发的CA锁。",
            .zh_next = "请使用在本地区签发的CA锁；如需办理，请致电{authority_zh}：{phone}。",
            .en = "{authority_en} issued this lock in another region; only locks issued in this "
                  "region are recognised here.",
            .en_next =
                "Use a lock issued in this region; to get one, call {authority_en}: {phone}.",
        },
    [PKI_PROFILE] =
        {
            .code = "lock.profile",
            .status = 403,
            .operator_note = "the certificate is not as the authority's profile says",
            .action = "call",
            .zh = "证书的“{field_zh}”不符合{authority_zh}的企业证书规范。",
            .zh_next = CALL_ZH "核实证书。",
            .en =
                "The certificate's {field_en} is not as it has to be in an enterprise certificate "
                "of {authority_en}.",
            .en_next = "To have the certificate checked, " CALL_EN ".",
        },
    [PKI_PATH] =
        {
            .code = "lock.path",
            .status = 403,
            .operator_note = "the path to the issuer is not good",
            .action = "call",
            .zh = "无法确认此证书由{authority_zh}签发。",
            .zh_next = CALL_ZH "核实证书。",
            .en = "It could not be confirmed that {authority_en} issued this certificate.",
            .en_next = "To have the certificate checked, " CALL_EN ".",
        },
    [PKI_NOT_YET_VALID] =
        {
            .code = "lock.not_yet_valid",
            .status = 403,
            .operator_note = "the certificate is not valid yet",
            .action = "call",
            .zh = "证书尚未生效，将于 {since}（北京时间）起生效。",
            .zh_next = "请在生效后使用；如有疑问，" CALL_ZH "。",
            .en = "The certificate is not valid yet; it becomes valid on {since} (UTC+8).",
            .en_next = "Use it from then on; with questions, " CALL_EN ".",
        },
    [PKI_EXPIRED] =
        {
            .code = "lock.expired",
            .status = 403,
            .operator_note = "the certificate has expired",
            .action = "call",
            .zh = "证书已于 {since}（北京时间）过期。",
            .zh_next = CALL_ZH "办理续期。",
            .en = "The certificate expired on {since} (UTC+8).",
            .en_next = "To renew it, " CALL_EN ".",
        },
    [PKI_REVOKED] =
        {
            .code = "lock.revoked",
            .status = 403,
            .operator_note = "the authority has revoked the certificate",
            .action = "call",
            .zh = "证书已于 {since}（北京时间）被吊销。",
            .zh_next = CALL_ZH "了解原因并重新办理。",
            .en = "The certificate was revoked on {since} (UTC+8).",
            .en_next = "To learn why and to get a new one, " CALL_EN ".",
        },
    [PKI_ON_HOLD] =
        {
            .code = "lock.on_hold",
            .status = 403,
            .operator_note = "the authority has put the certificate on hold",
            .action = "call",
            .zh = "证书自 {since}（北京时间）起被冻结。",
            .zh_next = CALL_ZH "办理解冻。",
            .en = "The certificate has been on hold since {since} (UTC+8).",
            .en_next = "To have the hold lifted, " CALL_EN ".",
        },
    [PKI_STATUS_UNAVAILABLE] =
        {
            .code = "lock.status_unavailable",
            .status = 503,
            .operator_note = "the authority's status service gave no answer that can be used",
            .action = "retry",
            .zh = "{authority_zh}的证书状态服务没有给出有效应答，无法确认证书是否已被吊销。"
                  "为安全起见，本次登录未予通过。",
            .zh_next = "这是签发机构的服务问题，请在 {retry} 秒后重试；若持续出现，请致电"
                       "{authority_zh}：{phone}。",
            .en = "The certificate status service of {authority_en} gave no valid answer, so it "
                  "could "
                  "not be confirmed that the certificate is not revoked. To be safe, this sign-in "
                  "was refused.",
            .en_next = "The trouble is with the authority's service: try again in {retry} seconds; "
                       "if it goes on, call {authority_en}: {phone}.",
        },
    [PKI_STATUS_UNKNOWN] =
        {
            .code = "lock.status_unknown",
            .status = 403,
            .operator_note = "the authority's status service does not know the certificate",
            .action = "call",
            .zh = "{authority_zh}的证书状态服务查无此证书。为安全起见，本次登录未予通过。",
            .zh_next = CALL_ZH "核实证书状态。",
            .en =
                "The certificate status service of {authority_en} does not know this certificate. "
                "To be safe, this sign-in was refused.",
            .en_next = "To have the certificate's status checked, " CALL_EN ".",
        },
    [PKI_NO_USCC] =
        {
            .code = "lock.no_uscc",
            .status = 403,
            .operator_note = "the certificate carries no USCC",
            .action = "call",
            .zh = "证书中没有统一社会信用代码，需先由平台运营人员核验营业执照。",
            .zh_next = "请致电平台客服 {support} 办理。",
            .en =
                "The certificate carries no unified social credit code; an operator has to see the "
                "business licence first.",
            .en_next = "Call the platform's support: {support}.",
        },
    [PKI_USCC_CHECK] =
        {
            .code = "lock.uscc_check",
            .status = 403,
            .operator_note = "the USCC in the certificate has a wrong check character",
            .action = "call",
            .zh = "证书中的“{field_zh}”校验码不正确。",
            .zh_next = CALL_ZH "更正证书。",
            .en = "The {field_en} in the certificate has a wrong check character.",
            .en_next = "To have the certificate corrected, " CALL_EN ".",
        },
};
