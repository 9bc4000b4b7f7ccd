/* The usual questions with their answers, each answer a list of paragraphs. */
import type { Text } from '../text/text'

export interface Question {
  readonly id: string
  readonly question: Text
  readonly answer: readonly Text[]
}

const text = (zh: string, en: string): Text => ({ zh, en })

export const QUESTIONS: readonly Question[] = [
  {
    id: 'review',
    question: text(
      '我单位在一个盟市已通过审核，到另一个盟市投标还要再审核吗？',
      'We are approved in one city. Do we have to be reviewed again in another?',
    ),
    answer: [
      text(
        '互认的是CA锁和单位身份，备案资料不互认。第一次进入某个平台时，是否需要填报资料并审核，由该盟市的交易中心决定；已在该平台备案并通过审核的，登录后可以直接办理业务。',
        'What is mutually recognised is the lock and the identity of your company, not its filing. Whether a first-time company has to file and be reviewed is decided by each city’s trading centre; where you are already approved, you can start at once.',
      ),
    ],
  },
  {
    id: 'legal-person',
    question: text('法人锁、个人锁可以用吗？', 'May we use a legal-person or personal lock?'),
    answer: [
      text(
        '不可以。绑定和登录都只接受企业锁。页面提示锁类型不符时，请换上本单位的企业锁再读取。',
        'No. Only enterprise locks may be bound or used to sign in. If the page says that the lock is of another kind, plug in your company’s enterprise lock and read again.',
      ),
    ],
  },
  {
    id: 'outside',
    question: text(
      '在自治区以外办理的CA锁能用吗？',
      'Does a lock issued outside the region work here?',
    ),
    answer: [
      text(
        '不能。只认可在自治区内办理的企业锁；同一家CA机构在区外签发的锁也不行。办理前可向当地CA网点询问其是否已加入互认。',
        'No. Only enterprise locks issued inside the region are recognised, even when the same CA also serves other regions. Before you order one, ask the CA’s local office whether it takes part.',
      ),
    ],
  },
  {
    id: 'not-bound',
    question: text('登录时提示“尚未绑定”怎么办？', 'It says that the lock is not bound. What now?'),
    answer: [
      text(
        '说明这把锁还没有与您的单位建立绑定。到“企业绑定”页读取证书、补全信息并确认，成功后即可登录。绑定只需一次。',
        'The lock has not been tied to your company yet. Go to “Bind enterprise”, read the certificate, complete the details and confirm; then sign in. This is needed once only.',
      ),
    ],
  },
  {
    id: 'duplicate',
    question: text(
      '绑定时提示统一社会信用代码已有CA锁，怎么办？',
      'Binding says that our credit code already has a lock. What now?',
    ),
    answer: [
      text(
        '说明本单位（也可能是同事或分公司）已经用另一把锁绑定过。请先在单位内部找到那把最早绑定的锁，它是主锁；用主锁登录后，可以把现在这把激活为副锁。',
        'Somebody in your company, perhaps a colleague or a branch, has already bound another lock. Find that first lock: it is the primary one. After signing in with it, the present lock can be activated as a secondary lock.',
      ),
      text(
        '主锁与副锁证书里的单位名称必须一致，否则不能激活。',
        'The company names in both certificates must be the same, or the activation is refused.',
      ),
    ],
  },
  {
    id: 'not-found',
    question: text('插了CA锁却读不出来？', 'The lock is plugged in but not found. What can we do?'),
    answer: [
      text(
        '按顺序排查：一、重新安装证书助手和CA锁驱动；二、换一个USB口或换一台电脑；三、仍读不到的，请联系签发机构检查锁是否损坏。',
        'In this order: reinstall the assistant and the lock’s driver; try another USB port or another computer; if it is still not found, have the issuing CA check the lock.',
      ),
    ],
  },
  {
    id: 'assistant',
    question: text(
      '页面说没有连接到证书助手？',
      'The page says that the assistant cannot be reached?',
    ),
    answer: [
      text(
        '证书助手必须在本机运行。请从应用列表启动它；没有安装的，到“下载”页安装。浏览器询问是否允许访问本机应用或本地网络时，请选择“允许”。',
        'The assistant has to run on your own computer. Start it from your list of applications, or install it from the download page. When the browser asks for access to apps on this device or to the local network, choose “Allow”.',
      ),
    ],
  },
  {
    id: 'pin',
    question: text('CA锁密码忘记或被锁定怎么办？', 'The PIN is forgotten or blocked. What now?'),
    answer: [
      text(
        '只有签发这把锁的CA机构能够重置密码。本系统从不接触密码，也无法代为重置。请按本页的电话联系该机构，不要反复尝试，以免锁定。',
        'Only the CA that issued the lock can reset its PIN. This service never sees the PIN and cannot reset it. Call the CA (phones on this page) and do not keep trying, or the lock will block itself.',
      ),
    ],
  },
  {
    id: 'pin-where',
    question: text('我输入的密码会发到哪里？', 'Where does the PIN that I type go?'),
    answer: [
      text(
        '只交给您电脑上的证书助手，由CA锁自己核对，用完即清除。服务器收到的只是签名和证书，不含密码。',
        'To the assistant on your computer alone; the lock itself checks it, and the field is emptied at once. The server receives a signature and the certificate, never the PIN.',
      ),
    ],
  },
  {
    id: 'revoked',
    question: text(
      '提示证书已过期、冻结或吊销怎么办？',
      'It says that the certificate is expired, on hold or revoked?',
    ),
    answer: [
      text(
        '证书可能已到期，或曾办理过挂失、注销。请联系签发机构查明原因并更新证书；办好之前无法登录。',
        'It may have reached its end, or been reported lost or cancelled. Ask the issuing CA for the reason and have it renewed; until then you cannot sign in.',
      ),
    ],
  },
  {
    id: 'slow',
    question: text('登录时等待很久？', 'Signing in takes long. Why?'),
    answer: [
      text(
        '登录时要向签发机构查询证书状态，个别机构答复较慢，请耐心等待，不要拔锁。若提示状态服务没有答复，请稍后重试，或向该机构咨询。',
        'The issuing CA is asked for the certificate’s status, and some are slow to answer. Please wait and leave the lock in. If you are told that the status service does not answer, try again later or ask that CA.',
      ),
    ],
  },
  {
    id: 'renamed',
    question: text('单位名称变更了怎么办？', 'Our company has a new name. What do we do?'),
    answer: [
      text(
        '先到各盟市交易平台修改备案信息并通过审核，再到CA机构更新证书中的单位名称。本系统的记录随证书更新。',
        'First change your filing at the trading platforms and have it approved, then have the CA put the new name into the certificate. The record here follows the certificate.',
      ),
    ],
  },
  {
    id: 'lost',
    question: text('唯一的一把锁丢了怎么办？', 'We lost our only lock. What now?'),
    answer: [
      text(
        '请先向签发机构挂失，再拨打本系统技术支持电话申请解绑，准备好营业执照扫描件和加盖公章的授权委托书。工作日17:00前收到的当天办理，之后的下一个工作日办理，结果以邮件告知。重新绑定后，原有记录继续有效。',
        'Report the loss to the issuing CA first, then call our support to apply for unbinding; have a scan of the business licence and a sealed letter of authorisation ready. What arrives before 17:00 on a working day is decided the same day, otherwise on the next one, and you are told by e-mail. After binding again your record continues.',
      ),
    ],
  },
  {
    id: 'business',
    question: text(
      '报名、标书制作、加解密等业务问题找谁？',
      'Whom do we ask about registration, bid documents or decryption?',
    ),
    answer: [
      text(
        '请直接咨询相应交易平台的技术支持，电话见本页。本系统只负责身份认证。',
        'Please ask the support of the trading platform concerned (phones on this page). This service only confirms who you are.',
      ),
    ],
  },
]
