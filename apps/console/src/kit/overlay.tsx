import type { ReactNode } from 'react';
import {
  Dialog as AriaDialog,
  Heading,
  Menu as AriaMenu,
  MenuItem as AriaMenuItem,
  MenuTrigger,
  Modal,
  ModalOverlay,
  Popover,
  type MenuItemProps,
} from 'react-aria-components';
import { Button, Icon, Key, text, type ButtonProps, type IconType } from './ui.tsx';
import style from './overlay.module.css';

/** A dialog over the screen, for what needs an answer first. Esc and a click beside it close it. */
export function Dialog({ title, isOpen, onClose, wide = false, children, actions }: DialogProps) {
  return (
    <ModalOverlay isOpen={isOpen} onOpenChange={(open) => !open && onClose()} isDismissable className={style.overlay}>
      <Modal className={wide ? `${style.modal} ${style.wide}` : style.modal}>
        <AriaDialog className={style.dialog}>
          <Heading slot="title" className={style.title}>
            {title}
          </Heading>
          <div className={style.content}>{children}</div>
          {actions !== undefined && <div className={style.actions}>{actions}</div>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  wide?: boolean;
  children: ReactNode;
  /** Buttons, the primary one last. */
  actions?: ReactNode;
}

/** A menu that its first child, a button, opens. */
export function Menu({ button, label, children }: { button: ReactNode; label: string; children: ReactNode }) {
  return (
    <MenuTrigger>
      {button}
      <Popover className={style.popover} placement="bottom end" offset={4}>
        <AriaMenu className={style.menu} aria-label={label}>
          {children}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

/** A menu that a small button with its name opens. */
export function ButtonMenu({ label, children, ...button }: ButtonMenuProps) {
  return (
    <Menu
      label={label}
      button={
        <Button small {...button}>
          {label}
        </Button>
      }
    >
      {children}
    </Menu>
  );
}

interface ButtonMenuProps extends Pick<ButtonProps, 'kind' | 'icon' | 'shortcut'> {
  label: string;
  children: ReactNode;
}

export function MenuItem({
  icon,
  shortcut,
  children,
  ...rest
}: Omit<MenuItemProps, 'children' | 'className'> & { icon?: IconType; shortcut?: string; children: string }) {
  return (
    <AriaMenuItem {...rest} textValue={children} className={style.item}>
      {icon && <Icon of={icon} />}
      <span className={text.grow}>{children}</span>
      {shortcut !== undefined && <Key>{shortcut}</Key>}
    </AriaMenuItem>
  );
}
