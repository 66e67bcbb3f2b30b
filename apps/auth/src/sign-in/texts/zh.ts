import type { Texts } from './en.js';

/** 简体中文。 */
export const zh: Texts = {
  htmlLang: 'zh-CN',
  name: '简体中文',
  poster: {
    line: '每一次变更，都有位置。',
    caption: 'Rapport 为所有记录保存同一份日志，任何时刻都可以重读。',
  },
  fields: {
    workspace: '工作区',
    email: '电子邮箱',
    password: '密码',
    newPassword: '新密码',
    passwordHint: '至少 8 个字符。几个互不相关的词既安全又好记。',
    displayName: '姓名',
    code: '身份验证器应用中的验证码',
    codeHint: '如已启用',
  },
  signIn: {
    title: '登录',
    again: '登录：请重试',
    heading: (where) => `登录 ${where}`,
    continueTo: (client) => `以继续使用 ${client}`,
    submit: '登录',
    cancel: '取消',
    forgotten: '忘记密码？',
  },
  consent: {
    title: '授权访问',
    heading: (client, tenant) => `允许 ${client} 使用 ${tenant}？`,
    lead: '它请求在您的权限范围内代表您操作，且仅限于：',
    identity: '确认您的身份',
    offline: '在您退出登录后继续访问',
    allow: '允许',
    cancel: '取消',
  },
  forgotten: {
    title: '忘记密码',
    heading: (where) => (where === undefined ? '设置新密码' : `为 ${where} 设置新密码`),
    lead: '我们会向您登录所用的邮箱发送一个链接。',
    submit: '发送链接',
    back: '返回登录',
    sent: '请查收邮件',
    sentLead: '如果该邮箱对应的账号存在，我们已发出邮件。链接一小时内有效。',
    sentNote: '几分钟后仍未收到？请检查垃圾邮件，或联系管理员。',
  },
  invitation: {
    title: '接受邀请',
    heading: (tenant) => `欢迎加入 ${tenant}`,
    lead: (email) => `您以 ${email} 的身份受到邀请。请设置登录密码。`,
    submit: '接受邀请',
    done: '您的账号已就绪',
  },
  reset: {
    title: '设置新密码',
    lead: (email) => `账号：${email}。保存后将在所有设备上退出登录，请用新密码重新登录。`,
    submit: '保存密码',
    done: '密码已修改',
  },
  done: '您可以关闭此页，并在要使用的应用中登录。',
  invalidLink: {
    title: '此链接已失效',
    lead: '它已被使用、已过期，或已被更新的链接取代。',
    note: '如果忘记密码，请在登录页重新申请链接。如果是受邀加入，请联系管理员重新发送邀请。',
  },
  signOut: {
    title: '退出登录',
    heading: '要退出登录吗？',
    lead: '此浏览器中使用的应用将要求您重新登录。',
    submit: '退出登录',
    note: '如需保持登录，请关闭此页。',
    done: '您已退出登录',
    doneLead: '可以关闭此页。',
  },
  failed: {
    title: '请求失败',
    lead: '将您带到此处的应用发出了无效的请求。请返回该应用重试。',
    forDevelopers: (fault) => `供开发者参考：${fault}`,
  },
  expired: {
    title: '此页已过期',
    lead: '用时过长，或已完成。请返回将您带到此处的应用重新开始。',
  },
  pleaseCorrect: (title) => `${title}：请更正`,
  refusals: {
    CREDENTIALS_WRONG: '邮箱、密码或验证码有误。',
    WORKSPACE_OR_CREDENTIALS_WRONG: '工作区、邮箱、密码或验证码有误。',
    CODE_NEEDED: '请再次输入密码，并输入身份验证器应用中的验证码。',
    TOO_MANY_ATTEMPTS: '尝试次数过多，请稍后再试。',
    PASSWORD_CHECKS_BUSY: '当前登录人数过多，请几秒后重试。',
  },
  violation: ({ reason }) => violations[reason] ?? '此项无效。',
  mails: {
    invitation: (user, tenant, url) => ({
      subject: `邀请您加入 ${tenant}`,
      text: `${user}，您好：

您受邀加入 Rapport 上的 ${tenant}。请在 7 天内设置密码：

${url}

如果您不知道这份邀请，请忽略此邮件。
`,
    }),
    passwordReset: (user, url) => ({
      subject: '重置您的 Rapport 密码',
      text: `${user}，您好：

我们收到了重置密码的请求。此链接一小时内有效：

${url}

如果不是您本人的请求，请忽略此邮件。
`,
    }),
  },
};

const violations: Readonly<Record<string, string>> = {
  REQUIRED: '此项必填。',
  TOO_SHORT: '此项过短。',
  TOO_LONG: '此项过长。',
  BAD_FORMAT: '此项格式不正确。',
  PASSWORD_COMMON: '此密码属于最常见的密码。',
  PASSWORD_GUESSABLE: '此密码主要由您的姓名、邮箱或公司名称组成。',
};
