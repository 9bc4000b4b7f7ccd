#include "pki/reasons.h"

/* The next step that ends many of them. */
#define CALL_ZH "请联系签发机构{authority_zh}（电话 {phone}）"
#define CALL_EN "contact the issuing authority, {authority_en} (phone {phone})"

/* Where the key is not read at all, the authority is not known. */
#define OTHER_KEY_ZH "请使用 RSA、P-256 或 SM2 密钥的CA锁；如没有，请联系CA锁的签发机构更换。"
#define OTHER_KEY_EN                                                                               \
    "Use a lock with an RSA, P-256 or SM2 key; if there is none, ask the authority that issued "   \
    "the lock for another."

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
    [PKI_KEY_DSA] =
        {
            .code = "lock.key_dsa",
            .status = 403,
            .operator_note = "the certificate's key is a DSA key",
            .zh = "此CA锁使用 DSA 密钥，本系统不接受这种密钥。",
            .zh_next = OTHER_KEY_ZH,
            .en = "The lock has a DSA key, which is not accepted here.",
            .en_next = OTHER_KEY_EN,
        },
    [PKI_KEY_CURVE] =
        {
            .code = "lock.key_curve",
            .status = 403,
            .operator_note = "the certificate's key is on a curve other than P-256 and SM2",
            .zh = "此CA锁的密钥使用了不受支持的椭圆曲线。",
            .zh_next = OTHER_KEY_ZH,
            .en = "The lock's key is on an elliptic curve that is not accepted here.",
            .en_next = OTHER_KEY_EN,
        },
    [PKI_KEY_KIND] =
        {
            .code = "lock.key_kind",
            .status = 403,
            .operator_note = "the certificate's key is none of RSA, P-256 and SM2",
            .zh = "不支持此CA锁的密钥类型。",
            .zh_next = OTHER_KEY_ZH,
            .en = "The lock's kind of key is not accepted here.",
            .en_next = OTHER_KEY_EN,
        },
    [PKI_KEY_OVERSIZED] =
        {
            .code = "lock.key_oversized",
            .status = 403,
            .operator_note = "the RSA key has more than 8192 bits, or its exponent more than 64",
            .zh = "此CA锁的 RSA 密钥过长，本系统不予处理。",
            .zh_next = OTHER_KEY_ZH,
            .en = "The lock's RSA key is larger than is accepted here.",
            .en_next = OTHER_KEY_EN,
        },
    [PKI_ALGORITHM] =
        {
            .code = "lock.algorithm",
            .status = 403,
            .operator_note =
                "the answer's algorithm is unknown, or not that of the certificate's key",
            .zh = "CA锁的签名算法与证书的密钥不符。",
            .zh_next = "请更新证书助手后重试；若仍然如此，请使用 RSA、P-256 或 SM2 密钥的CA锁。",
            .en = "The way the lock signs does not belong to the certificate's key.",
            .en_next = "Update the assistant and try again; if it happens again, use a lock with "
                       "an RSA, P-256 or SM2 key.",
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
    [PKI_VERSION] =
        {
            .code = "lock.version",
            .status = 403,
            .operator_note = "the certificate is of X.509 version 1 or 2",
            .action = "call",
            .zh = "此证书为旧版格式（X.509 第 1 或第 2 版），不能使用。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The certificate is of an old format (X.509 version 1 or 2) and cannot be used.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_SERIAL] =
        {
            .code = "lock.serial",
            .status = 403,
            .operator_note = "the serial number is zero, negative or longer than 20 bytes",
            .action = "call",
            .zh = "证书的序列号无效，不能使用。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The certificate's serial number is not valid, so it cannot be used.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_EXTENSION_REPEATED] =
        {
            .code = "lock.extension_repeated",
            .status = 403,
            .operator_note = "an extension stands in the certificate twice",
            .action = "call",
            .zh = "证书中有重复的扩展项，无法确定以哪一个为准。",
            .zh_next = CALL_ZH "更换证书。",
            .en =
                "The certificate holds an extension twice, so it cannot be told which one counts.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_EXTENSION_MALFORMED] =
        {
            .code = "lock.extension_malformed",
            .status = 403,
            .operator_note = "an extension of the certificate cannot be read",
            .action = "call",
            .zh = "证书中有无法读取的扩展项。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The certificate holds an extension that cannot be read.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_EXTENSION_CRITICAL] =
        {
            .code = "lock.extension_critical",
            .status = 403,
            .operator_note = "the certificate has a critical extension that is not known",
            .action = "call",
            .zh = "证书中有本系统无法识别的关键扩展项。",
            .zh_next = CALL_ZH "核实证书。",
            .en = "The certificate holds a critical extension that is not known here.",
            .en_next = "To have the certificate checked, " CALL_EN ".",
        },
    [PKI_SELF_ISSUED] =
        {
            .code = "lock.self_issued",
            .status = 403,
            .operator_note = "subject and issuer have the same name",
            .action = "call",
            .zh = "此证书的持有者与签发者相同，不是企业证书。",
            .zh_next = "请插入企业锁后重试；如有疑问，" CALL_ZH "。",
            .en = "The certificate was issued by its own holder; it is not an enterprise "
                  "certificate.",
            .en_next = "Plug in the enterprise lock; with questions, " CALL_EN ".",
        },
    [PKI_CA_CERTIFICATE] =
        {
            .code = "lock.ca_certificate",
            .status = 403,
            .operator_note = "a certificate that may issue others (CA:TRUE)",
            .action = "call",
            .zh = "这是签发机构自身的证书（CA证书），不能用于登录。",
            .zh_next = "请插入企业锁后重试；如有疑问，" CALL_ZH "。",
            .en = "This is a certificate for issuing others (a CA certificate), which cannot be "
                  "used to sign in.",
            .en_next = "Plug in the enterprise lock; with questions, " CALL_EN ".",
        },
    [PKI_KEY_ID] =
        {
            .code = "lock.key_id",
            .status = 403,
            .operator_note = "no authority key identifier, which the strict profile demands",
            .action = "call",
            .zh = "证书中没有签发机构的密钥标识，无法确认由哪一个密钥签发。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The certificate does not name the key that it was issued with.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
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
    [PKI_CLASS] =
        {
            .code = "lock.class",
            .status = 403,
            .operator_note = "the rules for an enterprise certificate do not hold",
            .action = "call",
            .zh = "无法确认这是{authority_zh}签发的企业证书，本系统只接受企业锁。",
            .zh_next = "请插入企业锁后重试；若这就是企业锁，" CALL_ZH "核实证书。",
            .en = "It could not be told that this is an enterprise certificate of {authority_en}; "
                  "only enterprise locks are accepted here.",
            .en_next = "Plug in the enterprise lock; if this is the enterprise lock, " CALL_EN ".",
        },
    [PKI_NAMES_PERSON] =
        {
            .code = "lock.names_person",
            .status = 403,
            .operator_note = "an enterprise certificate that holds a natural person's number",
            .action = "call",
            .zh = "此企业证书中含有个人身份标识，不能作为企业锁使用。",
            .zh_next = CALL_ZH "换发不含个人身份标识的企业证书。",
            .en = "This enterprise certificate holds a natural person's number, so it cannot be "
                  "used as an enterprise lock.",
            .en_next = "To get an enterprise certificate without it, " CALL_EN ".",
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
    [PKI_KEY_USAGE_MISSING] =
        {
            .code = "lock.key_usage_missing",
            .status = 403,
            .operator_note = "the certificate does not say what its key is for",
            .action = "call",
            .zh = "证书没有写明密钥用法，不能用于登录。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The certificate does not say what its key may be used for, so it cannot be used "
                  "to sign in.",
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
    [PKI_KEY_USAGE] =
        {
            .code = "lock.key_usage",
            .status = 403,
            .operator_note = "no digitalSignature, or a usage that belongs to authorities",
            .action = "call",
            .zh = "证书的密钥用法不允许用于签名登录。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The certificate's key usage does not allow signing in.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_EXTENDED_KEY_USAGE] =
        {
            .code = "lock.extended_key_usage",
            .status = 403,
            .operator_note = "the extended key usage is not what the profile names",
            .action = "call",
            .zh = "证书的扩展密钥用法与{authority_zh}的企业证书不符。",
            .zh_next = "请确认插入的是企业锁；如有疑问，" CALL_ZH "核实证书。",
            .en = "The certificate's extended key usage is not that of an enterprise certificate "
                  "of {authority_en}.",
            .en_next = "Check that this is the enterprise lock; with questions, " CALL_EN ".",
        },
    [PKI_POLICY] =
        {
            .code = "lock.policy",
            .status = 403,
            .operator_note = "none of the certificate policies that the profile asks for",
            .action = "call",
            .zh = "此证书的签发策略（证书策略）不在认可范围内。",
            .zh_next = CALL_ZH "核实证书。",
            .en = "The policy that the certificate was issued under is not one that is recognised "
                  "here.",
            .en_next = "To have the certificate checked, " CALL_EN ".",
        },
    [PKI_KEY_NOT_ISSUED] =
        {
            .code = "lock.key_not_issued",
            .status = 403,
            .operator_note = "a kind of key that the limits of this authority do not name",
            .action = "call",
            .zh = "此证书的密钥类型不在{authority_zh}的签发范围内。",
            .zh_next = CALL_ZH "核实证书。",
            .en = "The certificate's kind of key is not one that {authority_en} issues.",
            .en_next = "To have the certificate checked, " CALL_EN ".",
        },
    [PKI_WEAK_HASH] =
        {
            .code = "lock.weak_hash",
            .status = 403,
            .operator_note = "the certificate is signed with a hash that is not sound any more",
            .action = "call",
            .zh = "此证书由签发机构使用已不安全的算法签名，不能使用。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The certificate is signed with an algorithm that is not safe any more.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_WEAK_KEY] =
        {
            .code = "lock.weak_key",
            .status = 403,
            .operator_note = "the RSA key is shorter than the limits of this authority allow",
            .action = "call",
            .zh = "此CA锁的密钥长度不足，不能使用。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The lock's key is too short to be safe.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_WEAK_EXPONENT] =
        {
            .code = "lock.weak_exponent",
            .status = 403,
            .operator_note = "the RSA key's exponent is even or below 65537",
            .action = "call",
            .zh = "此CA锁的密钥参数（RSA 指数）不安全，不能使用。",
            .zh_next = CALL_ZH "更换证书。",
            .en = "The lock's RSA key has an exponent that is not safe.",
            .en_next = "To have the certificate replaced, " CALL_EN ".",
        },
    [PKI_LIFETIME] =
        {
            .code = "lock.lifetime",
            .status = 403,
            .operator_note =
                "the certificate's validity is longer than the limits of this authority allow",
            .action = "call",
            .zh = "证书的有效期超过了{authority_zh}企业证书的上限。",
            .zh_next = CALL_ZH "核实证书。",
            .en = "The certificate is valid for longer than enterprise certificates of "
                  "{authority_en} may be.",
            .en_next = "To have the certificate checked, " CALL_EN ".",
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
    [PKI_ISSUER_REVOKED] =
        {
            .code = "lock.issuer_revoked",
            .status = 403,
            .operator_note = "the root has revoked the authority's own certificate: remove it from "
                             "the trust list",
            .action = "call",
            .zh = "签发机构{authority_zh}的证书已被吊销，该机构签发的锁不能再使用。",
            .zh_next = CALL_ZH "换领新锁。",
            .en = "The certificate of {authority_en} itself was revoked; locks that it issued "
                  "cannot be used any more.",
            .en_next = "To get a new lock, " CALL_EN ".",
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
            .operator_note = "neither the authority's status service nor its lists, as its policy "
                             "asks for, say anything that counts",
            .action = "retry",
            .zh = "{authority_zh}的证书状态服务没有给出有效应答，无法确认证书是否已被吊销。"
                  "为安全起见，本次操作未予通过。",
            .zh_next = "这是签发机构的服务问题，请在 {retry} 秒后重试；若持续出现，请致电"
                       "{authority_zh}：{phone}。",
            .en =
                "The certificate status service of {authority_en} gave no valid answer, so it "
                "could not be confirmed that the certificate is not revoked. To be safe, this was "
                "refused.",
            .en_next = "The trouble is with the authority's service: try again in {retry} seconds; "
                       "if it goes on, call {authority_en}: {phone}.",
        },
    [PKI_STATUS_UNKNOWN] =
        {
            .code = "lock.status_unknown",
            .status = 403,
            .operator_note = "the authority's status service does not know the certificate",
            .action = "call",
            .zh = "{authority_zh}的证书状态服务查无此证书。为安全起见，本次操作未予通过。",
            .zh_next = CALL_ZH "核实证书状态。",
            .en =
                "The certificate status service of {authority_en} does not know this certificate. "
                "To be safe, this was refused.",
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
            .operator_note =
                "the USCC in the certificate has not 18 characters, or a wrong check character",
            .action = "call",
            .zh = "证书中的“{field_zh}”不正确（长度或校验码不符）。",
            .zh_next = CALL_ZH "更正证书。",
            .en = "The {field_en} in the certificate is not a valid one: its length or its check "
                  "character is wrong.",
            .en_next = "To have the certificate corrected, " CALL_EN ".",
        },
};
