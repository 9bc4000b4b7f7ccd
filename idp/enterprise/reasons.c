#include "enterprise/reasons.h"

const struct reason enterprise_not_bound = {
    .code = "lock.not_bound",
    .status = 403,
    .operator_note = "no binding for this authority, USCC and key",
    .action = "bind",
    .zh = "这把CA锁尚未在本系统绑定企业。",
    .zh_next = "请先进行“企业绑定”：读取证书、填写单位信息，只需办理一次。",
    .en = "This lock is not bound to an enterprise here yet.",
    .en_next = "Bind the enterprise first: read the certificate and fill in the form. "
               "This is done once.",
};

const struct reason enterprise_already_bound = {
    .code = "lock.already_bound",
    .status = 409,
    .operator_note = "the lock is bound already",
    .action = "sign_in",
    .zh = "这把CA锁已经绑定到{name}，无需再次绑定。",
    .zh_next = "请直接登录。",
    .en = "This lock is already bound to {name}; there is nothing more to bind.",
    .en_next = "Go on and sign in.",
};

const struct reason enterprise_uscc_has_lock = {
    .code = "lock.uscc_has_lock",
    .status = 409,
    .operator_note = "the USCC is bound with another lock of the same authority",
    .action = "sign_in",
    .zh = "统一社会信用代码{uscc}已绑定另一把CA锁：贵单位（可能是同事或分公司）此前已经办理。",
    .zh_next =
        "请用已绑定的那把锁（主锁）登录。需要激活这一把，或主锁已遗失，请致电{support}办理。",
    .en = "The credit code {uscc} is already bound with another lock: a colleague or a branch of "
          "your company has bound it before.",
    .en_next =
        "Sign in with the lock that is bound (the primary lock). To have this one activated, "
        "or if the primary lock is lost, call {support}.",
};

const struct reason enterprise_other_authority = {
    .code = "lock.other_authority",
    .status = 409,
    .operator_note = "a second authority asserts a bound USCC",
    .action = "call",
    .zh = "统一社会信用代码{uscc}已用另一家CA机构的锁绑定，{authority_zh}的这把锁不能自行加入。",
    .zh_next = "请用已绑定的锁登录；如需改用这把锁，请致电{support}，由运营人员核实后办理。",
    .en = "The credit code {uscc} is bound with a lock of another authority; this one, of "
          "{authority_en}, cannot join it by itself.",
    .en_next = "Sign in with the lock that is bound. To use this one instead, call {support}: an "
               "operator has to check it first.",
};

const struct reason enterprise_renewal_unproved = {
    .code = "lock.renewal_unproved",
    .status = 403,
    .operator_note = "a certificate of the same USCC with another key and key number",
    .action = "call",
    .zh = "这像是一张更换了密钥的新证书，系统无法自动确认它接替了贵单位原先绑定的证书。",
    .zh_next = "请致电{support}，由运营人员核实后更换；CA机构{authority_zh}的电话是{authority_"
               "phone}。",
    .en = "This looks like a renewed certificate with a new key; it could not be established that "
          "it takes the place of the one your company has bound.",
    .en_next = "Call {support}: an operator has to check and replace it. Your authority, "
               "{authority_en}, answers at {authority_phone}.",
};

const struct reason enterprise_suspended = {
    .code = "enterprise.suspended",
    .status = 403,
    .operator_note = "the enterprise is suspended",
    .action = "call",
    .zh = "{name}在本系统的登录已被暂停。",
    .zh_next = "请致电{support}了解原因。",
    .en = "Signing in for {name} has been suspended here.",
    .en_next = "Call {support} to learn why.",
};
