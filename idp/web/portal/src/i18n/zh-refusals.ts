/* What the page itself says when the assistant refuses or a call does not get through: the matter
   and the next step. A next step of several lines is shown as a numbered list. */
export const zhRefusals = {
  assistant: {
    not_running: {
      message: '没有连接到证书助手',
      next: '请确认已安装证书助手，并从开始菜单或应用列表启动它\n启动后点击“重试”\n还没有安装的，请先下载安装',
    },
    too_old: {
      message: '证书助手的版本过低（本机为 {version}，至少需要 {minimum}）',
      next: '请下载并安装新版证书助手，然后点击“重试”。',
    },
    slow: {
      message: '证书助手没有在规定时间内答复',
      next: '请关闭证书助手打开的窗口，拔插CA锁后重新读取；仍无答复时请重启证书助手。',
    },
    permission_denied: {
      message: '浏览器没有允许本网站连接证书助手',
      next: '点击地址栏左侧的图标，打开“网站设置”\n将“访问本机上的应用”或“本地网络”改为“允许”\n回到本页点击“重试”；单位电脑由管理员统一设置的，请联系管理员',
    },
    forbidden: {
      message: '证书助手正在运行，但不接受本网站的请求',
      next: '请核对地址栏里的网址是否为本系统的正式网址\n网址无误时，请重新安装从本站下载的证书助手，它的设置里带有本站网址',
    },
    no_lock: {
      message: '没有读到CA锁',
      next: '确认CA锁已插好，重新安装证书助手和CA锁驱动，再点击“重试”\n换一台电脑试一试\n仍读不到时，请联系签发这把锁的CA机构，检查锁是否损坏',
    },
    several_locks: {
      message: '读到多把CA锁，还没有选定使用哪一把',
      next: '请在列表中选择要使用的锁，或只留一把锁后重新读取。',
    },
    lock_not_found: {
      message: '找不到刚才选择的那把CA锁',
      next: '可能换过USB口或更换了锁，请重新读取后再选择。',
    },
    removed: {
      message: '操作中途CA锁被拔出',
      next: '请插回CA锁，等指示灯稳定后重新读取。',
    },
    pin_wrong: {
      message: 'CA锁密码不正确，还可以再试 {tries} 次',
      next: '请核对后再输入，注意大小写。次数用完锁会被锁定；忘记密码的，请不要再试，联系签发机构重置。',
    },
    pin_wrong_last: {
      message: 'CA锁密码不正确，只剩最后 1 次机会',
      next: '再错一次这把锁就会被锁定，证书助手不再接受尝试。请联系签发机构确认或重置密码。',
    },
    pin_wrong_uncounted: {
      message: 'CA锁密码不正确',
      next: '请核对后再输入。连续输错会使锁被锁定；忘记密码的，请联系签发机构重置。',
    },
    pin_blocked: {
      message: 'CA锁密码已被锁定',
      next: '密码错误次数已用完，只有签发这把锁的CA机构可以解锁或重置密码。请带上单位证明材料与其联系。',
    },
    pin_required: {
      message: '请输入CA锁密码',
      next: '在密码框中输入CA锁密码后再点击按钮。',
    },
    pin_page_refused: {
      message: '本机的证书助手不允许在网页里输入密码',
      next: '请点击“重试”重新读取，然后在证书助手弹出的窗口里输入密码。',
    },
    pin_last_try: {
      message: '密码只剩最后一次机会，证书助手不再接受尝试',
      next: '再错一次锁就会被锁死。请先联系签发这把锁的CA机构，确认或重置密码后再登录。',
    },
    no_prompt: {
      message: '证书助手打不开输入密码的窗口',
      next: '请重启证书助手后点击“重试”；仍不行请重新安装证书助手。',
    },
    fault: {
      message: '证书助手出现故障',
      next: '请重启证书助手后点击“重试”；仍不行请重新安装，或联系技术支持。',
    },
    cancelled: {
      message: '您在证书助手中取消了操作',
      next: '没有任何信息被提交。需要继续时，请再次点击按钮。',
    },
    busy: {
      message: '证书助手正在处理另一项操作',
      next: '请先完成或关闭已打开的证书助手窗口及其他登录页面，再点击“重试”。',
    },
    bad_challenge: {
      message: '证书助手没有接受本次签名请求',
      next: '请刷新页面重新开始；再次出现时，请更新证书助手。',
    },
    unsuitable: {
      message: '这把锁里没有可用于登录的签名证书',
      next: '请确认插入的是企业锁，而不是只含加密证书的介质\n换用其他企业锁，或请签发机构检查锁内的证书',
    },
    driver: {
      message: 'CA锁驱动出现故障',
      next: '拔下CA锁，等几秒再插入，点击“重试”\n重新安装CA锁驱动和证书助手，并重启电脑\n仍不行请换一台电脑，或联系签发机构',
    },
    bad_request: {
      message: '证书助手不能理解本页的请求',
      next: '页面与证书助手的版本可能不一致，请刷新页面；再次出现时，请更新证书助手。',
    },
    unknown: {
      message: '证书助手返回了无法识别的结果',
      next: '请重启证书助手后再试；再次出现时，请更新证书助手或联系技术支持。',
    },
  },
  page: {
    offline: {
      message: '暂时连不上服务器',
      next: '请检查网络连接，稍后重试。',
    },
    address: {
      message: '平台登记的返回地址不安全，已停止跳转',
      next: '请将此情况告知该平台或本系统技术支持。',
    },
    fault: {
      message: '页面遇到了意外情况',
      next: '请刷新页面后重试；再次出现时，请联系技术支持并告知错误代码。',
    },
    no_interaction: {
      message: '没有待处理的登录请求',
      next: '请从交易平台的登录按钮或本站的平台列表重新开始。',
    },
    framed: {
      message: '本页不能嵌在其他网页里使用',
      next: '请在浏览器中单独打开本站。',
    },
  },
  server: {
    unavailable: {
      message: '服务暂时不可用',
      next: '请稍候一两分钟再重试，您的单位信息不受影响。',
    },
    fault: {
      message: '服务器未能处理这次请求',
      next: '请重试；再次出现时，请联系技术支持并告知错误代码。',
    },
  },
}
